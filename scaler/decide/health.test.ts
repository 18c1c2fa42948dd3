import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { LeaseReading } from '../../cloud/redis/leases.ts';
import { lease, running, START, Ticks } from './observation.fixture.ts';

describe('reaping', () => {
  const silentFor = (seconds: number) => lease('busy', 0, { silentMs: seconds * 1000 });
  const at = (seconds: number) => START + seconds * 1000;

  it('ends an instance that has been silent for 30 s', () => {
    const ticks = new Ticks();
    const see = (seconds: number, silent: number) =>
      ticks.see({
        now: at(seconds),
        instances: [running(1), running(2)],
        leases: { 'i-1': silentFor(silent), 'i-2': lease('busy') },
        inFlight: 2,
      });
    assert.deepEqual(see(0, 1), []);
    assert.deepEqual(see(29, 30), []);
    assert.deepEqual(see(31, 32), ['terminate 1', 'launch 3']);
    assert.deepEqual(see(32, 33), [], 'once');
    assert.deepEqual(ticks.causes, ['dead', 'demand']);
  });

  it('ends one that never reported within its boot time, not before', () => {
    const ticks = new Ticks({ BOOT_SECONDS: 60 });
    const instances = [running(1, { launchedAt: START, state: 'pending' })];
    const see = (seconds: number) => ticks.see({ now: at(seconds), instances, visible: 1 });
    assert.deepEqual([see(0), see(30), see(60)], [[], [], []]);
    assert.deepEqual(see(61), ['terminate 1', 'launch 2']);
  });

  it('ends one whose model does not come up within the boot time', () => {
    const instances = [running(1)];
    const ticks = new Ticks();
    assert.deepEqual(ticks.see({ instances, leases: { 'i-1': lease('starting', 300_000) } }), [
      'terminate 1',
    ]);
  });

  it('a new controller listens for 30 s before it takes anyone for dead', () => {
    const ticks = new Ticks({ BOOT_SECONDS: 1 });
    const see = (seconds: number) =>
      ticks.see({
        now: at(seconds),
        instances: [running(1), running(2)],
        leases: { 'i-1': silentFor(59) },
        visible: 2,
      });
    assert.deepEqual([see(0), see(30)], [[], []]);
    assert.deepEqual(see(31), ['terminate 1', 'terminate 2', 'launch 3', 'launch 4']);
  });

  it('gives all a new 30 s when every lease is gone at once, as after a flush', () => {
    const ticks = new Ticks();
    const instances = [running(1), running(2)];
    const leases = { 'i-1': silentFor(20), 'i-2': silentFor(20) };
    ticks.see({ instances, leases: { 'i-1': silentFor(0), 'i-2': silentFor(0) }, inFlight: 2 });
    ticks.see({ now: at(20), instances, leases, inFlight: 2 });
    assert.deepEqual(ticks.see({ now: at(21), instances, inFlight: 2 }), []);
    assert.deepEqual(ticks.see({ now: at(50), instances, inFlight: 2 }), []);
    const back = { 'i-1': lease('busy') };
    assert.deepEqual(ticks.see({ now: at(52), instances, leases: back, inFlight: 2 }), [
      'terminate 2',
      'launch 3',
    ]);
  });

  it('gives all a new 30 s when Redis is back', () => {
    const ticks = new Ticks();
    const instances = [running(1)];
    ticks.see({ instances, leases: { 'i-1': lease('busy') }, inFlight: 1 });
    ticks.see({ now: at(100), instances, leases: 'unreadable', inFlight: 1 });
    const stale = { 'i-1': silentFor(59) };
    assert.deepEqual(ticks.see({ now: at(101), instances, leases: stale, inFlight: 1 }), []);
    assert.deepEqual(ticks.see({ now: at(131), instances, leases: stale, inFlight: 1 }), [
      'terminate 1',
      'launch 2',
    ]);
  });

  it('leaves stopped instances alone', () => {
    const instances = [running(1, { state: 'stopped' }), running(2, { state: 'stopping' })];
    const ticks = new Ticks({ BOOT_SECONDS: 1 });
    ticks.see({ instances });
    assert.deepEqual(ticks.see({ now: at(500), instances }), []);
  });

  it('lets a stopped instance that someone starts boot like a new one', () => {
    const ticks = new Ticks({ BOOT_SECONDS: 60 });
    const other: Record<string, LeaseReading> = { 'i-2': lease('busy') };
    const see = (seconds: number, one: FleetInstance, leases = other) =>
      ticks.see({ now: at(seconds), instances: [one, running(2)], leases, inFlight: 1 });
    see(0, running(1), { 'i-1': lease('busy'), ...other });
    see(100, running(1, { state: 'stopping' }));
    see(3600, running(1, { state: 'stopped' }));
    // EC2 renews the launch time at each start.
    const started = running(1, { state: 'pending', launchedAt: at(3601) });
    assert.deepEqual(see(3602, started), []);
    assert.deepEqual(see(3662, started), []);
    assert.deepEqual(see(3663, started), ['terminate 1']);
  });

  for (const [what, skewMs] of [
    ['ahead', 3_600_000],
    ['behind', -3_600_000],
  ] as const) {
    it(`a scaler’s clock that is an hour ${what} of EC2’s changes nothing`, () => {
      const ticks = new Ticks({ BOOT_SECONDS: 60 });
      const instances = [running(1, { state: 'pending', launchedAt: START - skewMs })];
      const see = (seconds: number) => ticks.see({ now: at(seconds), instances, visible: 1 });
      for (let second = 0; second <= 60; second++) assert.deepEqual(see(second), []);
      assert.deepEqual(see(61), ['terminate 1', 'launch 2']);
    });
  }

  it('counts the boot of one that was listed, was not, and is again, from the first time', () => {
    const ticks = new Ticks({ BOOT_SECONDS: 60 });
    const instances = [running(1, { state: 'pending' })];
    const see = (seconds: number, list = instances) =>
      ticks.see({ now: at(seconds), instances: list, visible: 1 });
    see(0);
    see(30, []);
    see(31);
    assert.deepEqual(see(60), []);
    assert.ok(see(61).includes('terminate 1'));
  });
});
