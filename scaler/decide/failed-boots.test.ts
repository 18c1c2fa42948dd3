import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import { decide } from './decide.ts';
import { startMemory } from './memory.ts';
import { lease, observation, running, START, settings, Ticks } from './observation.fixture.ts';
import { applyOutcomes, type Outcome } from './outcomes.ts';

const at = (seconds: number) => START + seconds * 1000;

/**
 * A fleet in which every instance ends after this many seconds without a report.
 * @returns at which seconds how many were launched
 */
function play(seconds: number, lifeSeconds: number, most: number, code?: string): number[] {
  let memory = startMemory('seed');
  const alive: (FleetInstance & { endsAt: number })[] = [];
  const launches: number[] = [];
  let launched = 0;
  for (let second = 0; second < seconds; second++) {
    const now = at(second);
    const instances = alive.filter(({ endsAt }) => endsAt > now);
    const { actions, memory: next } = decide(
      observation({ now, instances, visible: 100 }),
      { ...settings, MAX_INSTANCES: most },
      memory,
    );
    const outcomes = actions.flatMap((action): Outcome[] => {
      if (action.kind === 'inquire') {
        const ended = {
          kind: 'ended',
          instanceId: action.instanceId,
          state: 'terminated',
        } as const;
        return [code === undefined ? ended : { ...ended, code }];
      }
      if (action.kind === 'terminate') {
        const one = alive.find(({ id }) => id === action.instanceId);
        if (one) one.endsAt = now;
      }
      if (action.kind !== 'launch') return [];
      const { number, nonce } = action;
      const id = `i-${launched++}`;
      alive.push({ ...running(number, { launchedAt: now }), id, endsAt: now + lifeSeconds * 1000 });
      return [{ kind: 'launched', nonce, instanceId: id }];
    });
    launches.push(outcomes.filter(({ kind }) => kind === 'launched').length);
    memory = applyOutcomes(next, outcomes, now);
  }
  return launches;
}

const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0);

describe('instances that end before they take work', () => {
  it('are at most two fleets in any ten minutes, and after the first one at a time', () => {
    const lives = fc.record({
      life: fc.integer({ min: 1, max: 700 }),
      most: fc.integer({ min: 8, max: 40 }),
    });
    fc.assert(
      fc.property(lives, ({ life, most }) => {
        const launches = play(3600, life, most);
        assert.equal(launches[0], most);
        assert.ok(launches.slice(1).every((count) => count <= 1));
        for (let from = 0; from < launches.length - 600; from += 10) {
          assert.ok(sum(launches.slice(from, from + 600)) <= 2 * most);
        }
        assert.ok(sum(launches.slice(1200, 3600)) <= 6, 'the pauses grow');
      }),
      { seed: 546, numRuns: 60 },
    );
  });

  it('are soon tried again after the first failures, so that service is back soon when their cause is gone', () => {
    const seconds = play(300, 3, 2).flatMap((count, second) => (count > 0 ? [second] : []));
    const gaps = seconds.slice(1).map((second, index) => second - (seconds[index] ?? 0));
    assert.ok(
      gaps.slice(0, 3).every((gap) => gap <= 13),
      `launched at ${seconds}`,
    );
    assert.ok(
      gaps.slice(4).every((gap, index) => gap > (gaps[index + 3] ?? 0)),
      `${gaps}`,
    );
  });

  it('never stop a fleet of one from being tried again', () => {
    const launches = play(7200, 20, 1);
    for (let from = 0; from < launches.length - 700; from += 50) {
      assert.ok(sum(launches.slice(from, from + 700)) > 0);
    }
  });

  it('close only their place when the spot market has taken them', () => {
    const launches = play(120, 5, 4, 'Server.SpotInstanceTermination');
    assert.ok(launches.filter((count) => count === 4).length > 1);
  });

  it('are forgotten as soon as one reports', () => {
    const ticks = new Ticks();
    assert.equal(ticks.see({ visible: 9 }).length, 4);
    const two = [running(1), running(2)];
    ticks.see({ now: at(10), instances: [...two, running(3), running(4)], visible: 9 });
    const seen = { instances: two, visible: 9 };
    assert.deepEqual(ticks.see({ now: at(20), ...seen }), ['inquire 3', 'inquire 4']);
    assert.equal(ticks.memory.backoff?.deaths, 2);
    assert.deepEqual(ticks.see({ now: at(40), ...seen }), [], 'the others are booting');
    const leases = { 'i-1': lease('starting') };
    assert.deepEqual(ticks.see({ now: at(41), ...seen, leases }), [], 'not yet up');
    assert.deepEqual(ticks.see({ now: at(42), ...seen, leases: { 'i-1': lease('idle') } }), [
      'launch 3',
      'launch 4',
    ]);
    assert.equal(ticks.memory.backoff, undefined);
  });

  it('count also when they hang and are ended after the boot time', () => {
    const ticks = new Ticks({ BOOT_SECONDS: 60, MAX_INSTANCES: 2 });
    assert.equal(ticks.see({ visible: 9 }).length, 2);
    const instances = [running(1), running(2)];
    ticks.see({ now: at(1), instances, visible: 9 });
    assert.deepEqual(ticks.see({ now: at(62), instances, visible: 9 }), [
      'terminate 1',
      'terminate 2',
    ]);
    assert.equal(ticks.memory.backoff?.code, 'NeverReported');
    const states = [running(1, { state: 'shutting-down' }), running(2, { state: 'shutting-down' })];
    assert.deepEqual(ticks.see({ now: at(64), instances: states, visible: 9 }), []);
    assert.deepEqual(ticks.see({ now: at(68), instances: [], visible: 9 }), ['launch 1']);
    assert.deepEqual(ticks.see({ now: at(69), instances: [], visible: 9 }), []);
  });

  it('are not those that took work and were drained, nor those of a list that merely lags', () => {
    const ticks = new Ticks();
    ticks.see({ visible: 1 });
    ticks.see({ now: at(1), instances: [running(1)], leases: { 'i-1': lease('busy') } });
    ticks.see({ now: at(20), instances: [], visible: 1 });
    assert.equal(ticks.memory.backoff, undefined);
    ticks.memory = applyOutcomes(
      ticks.memory,
      [{ kind: 'ended', instanceId: 'i-1', state: 'running' }],
      0,
    );
    assert.equal(ticks.memory.backoff, undefined);
  });

  it('are asked about where EC2 does not list a launch, and replaced soon when they have ended', () => {
    const asked: number[] = [];
    const launched: number[] = [];
    let memory = startMemory('seed');
    for (let second = 0; second <= 20; second++) {
      const now = at(second);
      const seen = observation({ now, instances: [], visible: 1 });
      const { actions, memory: next } = decide(seen, { ...settings, MAX_INSTANCES: 1 }, memory);
      const outcomes = actions.flatMap((action): Outcome[] => {
        if (action.kind === 'launch') {
          launched.push(second);
          return [{ kind: 'launched', nonce: action.nonce, instanceId: `i-${second}` }];
        }
        if (action.kind !== 'inquire') return [];
        asked.push(second);
        // At first EC2 does not know it at all.
        const known = second > 10 ? ({ state: 'terminated', code: 'Client.Ended' } as const) : {};
        return [{ kind: 'ended', instanceId: action.instanceId, ...known }];
      });
      memory = applyOutcomes(next, outcomes, now);
    }
    assert.deepEqual(asked, [6, 12]);
    assert.equal(memory.backoff?.code, 'Client.Ended');
    assert.deepEqual(launched, [0, 17]);
  });
});
