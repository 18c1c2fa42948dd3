import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from './decide.ts';
import { type Memory, startMemory } from './memory.ts';
import { lease, observation, running, type Seen, START, settings } from './observation.fixture.ts';
import { applyOutcomes } from './outcomes.ts';

const [OLD, NEW] = ['ami-0000000a', 'ami-0000000b'];
const old = (number: number) => running(number, { imageId: OLD });
const renewed = (number: number) => running(number, { imageId: NEW });
const leases = (states: Readonly<Record<number, 'idle' | 'busy' | 'starting' | 'draining'>>) =>
  Object.fromEntries(Object.entries(states).map(([id, state]) => [`i-${id}`, lease(state)]));

/** One tick of a scaler that launches from NEW. */
function see(seen: Seen, more: object = {}, memory: Memory = startMemory('seed')): string[] {
  const own = { ...settings, MAX_INSTANCES: 30, MIN_INSTANCES: 0, AMI_ID: NEW, ...more };
  const { actions } = decide(observation(seen), own, memory);
  return actions.map((action) => `${action.kind} ${'number' in action ? action.number : ''}`);
}

describe('a fleet of an earlier image', () => {
  it('stays as it is while no setting names the image', () => {
    const seen = { instances: [old(1)], leases: leases({ 1: 'busy' }), inFlight: 1 };
    assert.deepEqual(see(seen, { AMI_ID: undefined }), []);
    assert.deepEqual(see({ ...seen, instances: [renewed(1)] }), []);
  });

  it('gives up one instance first, idle before busy', () => {
    const instances = [1, 2, 3].map(old);
    const seen = { instances, leases: leases({ 1: 'busy', 2: 'busy', 3: 'idle' }), visible: 3 };
    assert.deepEqual(see(seen), ['drain 3']);
    assert.deepEqual(see({ ...seen, leases: leases({ 1: 'busy', 2: 'busy', 3: 'busy' }) }), [
      'drain 1',
    ]);
  });

  it('keeps the others until an instance of the new image has reported', () => {
    const instances = [old(1), old(2), renewed(3)];
    const booting = { instances, leases: leases({ 1: 'busy', 2: 'busy' }), visible: 3 };
    assert.deepEqual(see(booting), []);
    const starting = leases({ 1: 'busy', 2: 'busy', 3: 'starting' });
    assert.deepEqual(see({ ...booting, leases: starting }), []);
    const proven = leases({ 1: 'busy', 2: 'busy', 3: 'busy' });
    assert.deepEqual(see({ ...booting, leases: proven }), ['drain 1']);
  });

  it('keeps them while instances of the new image end before they report', () => {
    const backoff = { deaths: 3, code: 'x', until: START + 1000 } as unknown as Memory['backoff'];
    const seen = { instances: [old(1)], leases: leases({ 1: 'busy' }), inFlight: 1 };
    assert.deepEqual(see(seen, {}, { ...startMemory('seed'), backoff }), []);
  });

  it('then leaves a part at a time, without ending what is in work', () => {
    const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
    const instances = [...numbers.map(old), renewed(21)];
    const states = Object.fromEntries([...numbers, 21].map((number) => [number, 'busy' as const]));
    const seen = { instances, leases: leases(states), visible: 21 };
    assert.deepEqual(see(seen), ['drain 1', 'drain 2'], 'a tenth of those that are busy');
    const one = { ...seen, leases: leases({ ...states, 7: 'draining' }) };
    assert.deepEqual(
      see(one).filter((action) => action.startsWith('drain')),
      ['drain 1'],
      'one is on its way out',
    );
    const idle = Object.fromEntries(numbers.map((number) => [number, 'idle' as const]));
    const quiet = see({ instances, leases: leases({ ...idle, 21: 'busy' }), inFlight: 1 });
    assert.equal(quiet.length, 10, 'half of those that are idle');
  });

  it('is not kept in the warm pool', () => {
    const drained = { 'i-1': lease('drained') };
    assert.deepEqual(see({ instances: [old(1)], leases: drained }, { WARM_POOL: 2 }), [
      'terminate 1',
    ]);
    assert.deepEqual(see({ instances: [renewed(1)], leases: drained }, { WARM_POOL: 2 }), [
      'stop 1',
    ]);
    const stopped = running(1, { imageId: OLD, state: 'stopped' });
    assert.deepEqual(see({ instances: [stopped] }, { WARM_POOL: 2 }), ['terminate 1']);
  });

  it('is replaced in full by the scaler’s own ticks', () => {
    let memory = startMemory('seed');
    let fleet = [old(1), old(2)];
    const own = { ...settings, MAX_INSTANCES: 4, AMI_ID: NEW };
    const gone: number[] = [];
    for (let tick = 0; tick < 60 && fleet.some(({ imageId }) => imageId === OLD); tick++) {
      const now = START + tick * 1000;
      const states = Object.fromEntries(
        fleet.map(({ id, number }) => [
          id,
          gone.includes(number) ? lease('drained') : lease('busy'),
        ]),
      );
      const seen = observation({ now, instances: fleet, leases: states, visible: 2 });
      const decision = decide(seen, own, memory);
      for (const action of decision.actions) {
        if (action.kind === 'drain') gone.push(action.number);
        if (action.kind === 'launch') {
          fleet = [...fleet, { ...renewed(action.number), launchedAt: now }];
        }
        if (action.kind === 'terminate') {
          fleet = fleet.filter(({ number }) => number !== action.number);
        }
      }
      const launched = decision.actions.flatMap((action) =>
        action.kind === 'launch'
          ? [{ kind: 'launched', nonce: action.nonce, instanceId: `i-${action.number}` } as const]
          : [],
      );
      memory = applyOutcomes(decision.memory, launched, now);
      assert.ok(fleet.length >= 1);
    }
    assert.deepEqual([...new Set(fleet.map(({ imageId }) => imageId))], [NEW]);
    assert.equal(gone.length, 2);
  });
});
