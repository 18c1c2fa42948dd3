import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lease, running, START, Ticks } from './observation.fixture.ts';

const idle = (seconds: number) => lease('idle', seconds * 1000);

describe('the policy of the settings', () => {
  const idleOnes = { 'i-1': idle(1), 'i-2': idle(1) };
  const instances = [running(1), running(2)];

  it('is the one that decides', () => {
    assert.equal(new Ticks({ SCALE_POLICY: 'backlog' }).see({ visible: 11 }).length, 2);
    assert.equal(new Ticks({ SCALE_POLICY: 'drain-time' }).see({ visible: 11 }).length, 1);
  });

  it('may end an idle instance while there is work, but nobody who is busy', () => {
    const leases = { 'i-1': lease('busy', 1000), 'i-2': idle(10) };
    const ticks = new Ticks({ SCALE_POLICY: 'backlog' });
    assert.deepEqual(ticks.see({ instances, leases, inFlight: 1 }), ['drain 2']);
    const other = { 'i-1': idle(9), 'i-2': lease('busy', 1000) };
    assert.deepEqual(ticks.see({ instances, leases: other, inFlight: 1 }), []);
  });

  it('while there is work keeps instances that it no longer needs for the set time, which starts again when they are needed', () => {
    const ticks = new Ticks({ SCALE_POLICY: 'drain-time', KEEP_SECONDS: 20 });
    const at = (seconds: number, visible = 1) =>
      ticks.see({ now: START + seconds * 1000, instances, leases: idleOnes, visible });
    for (let second = 0; second < 20; second++) assert.deepEqual(at(second), []);
    assert.deepEqual(at(19.5, 1200), ['launch 3'], 'needed');
    assert.deepEqual(at(20), []);
  });

  it('drain-time keeps an idle one within its first minute, which is paid for, up to the idle time', () => {
    const ticks = new Ticks({ SCALE_POLICY: 'drain-time' });
    const [old, young] = [running(1), running(2, { launchedAt: START - 50_000 })];
    const see = (seconds: number) =>
      ticks.see({
        now: START,
        instances: [old, young],
        leases: { 'i-1': lease('busy'), 'i-2': idle(seconds) },
        inFlight: 1,
      });
    assert.deepEqual([see(5), see(10)], [[], ['drain 2']]);
  });

  it('keeps the smallest fleet', () => {
    const ticks = new Ticks({ MIN_INSTANCES: 1 });
    assert.deepEqual(ticks.see({}), ['launch 1']);
    const leases = { 'i-1': idle(99), 'i-2': idle(99) };
    assert.deepEqual(ticks.see({ instances, leases }), ['drain 2']);
    assert.deepEqual(ticks.causes, ['smallest-fleet', 'spare']);
  });
});
