import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Action } from './actions.ts';
import { type DecisionSettings, decide } from './decide.ts';
import { calm, type Weather } from './faults.fixture.ts';
import { startMemory } from './memory.ts';
import { settings as fixed } from './observation.fixture.ts';
import type { Observation } from './observation.ts';
import { applyOutcomes } from './outcomes.ts';
import { placesOf } from './placements.ts';
import { policies } from './policies/policies.ts';
import type { ScalingSettings } from './policies/policy.ts';
import { World } from './world.fixture.ts';

const weather: fc.Arbitrary<Weather> = fc.record(
  {
    arrivals: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.nat(3) },
      { weight: 1, arbitrary: fc.nat(30) },
    ),
    work: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })),
    unreadable: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray(['instances', 'redis', 'queue'] as const) },
    ),
    flush: fc.oneof(
      { weight: 20, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    launches: fc.constantFrom('yes', 'yes', 'yes', 'refused', 'lost', 'unheard'),
    terminations: fc.constantFrom('yes', 'yes', 'fail'),
    locked: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      fc.subarray([1, 2, 3, 4], { minLength: 1, maxLength: 2 }),
    ),
    room: fc.oneof(
      { weight: 5, arbitrary: fc.constant(undefined) },
      fc.integer({ min: 1, max: 4 }),
    ),
    full: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray(['a.large', 'b.large'])),
    rests: fc.constantFrom('yes', 'yes', 'yes', 'refused', 'lost', 'unheard'),
    namesFail: fc.boolean(),
    stillborn: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
    jitter: fc.nat(4),
    hang: fc.oneof({ weight: 30, arbitrary: fc.constant(undefined) }, fc.nat(5)),
    die: fc.oneof({ weight: 30, arbitrary: fc.constant(undefined) }, fc.nat(5)),
  },
  {
    requiredKeys: ['arrivals', 'work', 'unreadable', 'flush', 'launches', 'terminations', 'jitter'],
  },
);

/** Weather that holds for a while, since outages of one second are the easy ones. */
const spells = fc
  .array(fc.tuple(weather, fc.integer({ min: 1, max: 45 })), { maxLength: 14 })
  .map((list) =>
    list.flatMap(([one, seconds]) => {
      const later = { ...one, arrivals: 0, flush: false, hang: undefined, die: undefined };
      return [one, ...Array.from({ length: seconds - 1 }, () => later)];
    }),
  );

const scene = fc.record({
  spells,
  lagSeconds: fc.constantFrom(0, 0, 2, 20),
  bootSeconds: fc.constantFrom(0, 3, 25),
  skewSeconds: fc.constantFrom(0, 0, 3600, -3600),
  most: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 12 })),
  warm: fc.constantFrom(0, 0, 1, 3, 8),
  spot: fc.constantFrom('no', 'prefer', 'only'),
  threshold: fc.constantFrom(0, 0, 3),
  perInstance: fc.integer({ min: 1, max: 20 }),
  goal: fc.constantFrom(1, 20, 60, 200),
  late: fc.constantFrom(0, 0.5, 1),
  keep: fc.constantFrom(0, 0, 20),
});
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

interface Moment {
  readonly world: World;
  readonly observation: Observation;
  readonly actions: readonly Action[];
  readonly settings: ScalingSettings;
}

/** Plays random weather and then a long calm, showing each second to `check` before it is acted on. */
function play(
  policy: ScalingSettings['SCALE_POLICY'],
  { spells, lagSeconds, bootSeconds, skewSeconds, warm, spot, ...one }: Scene,
  check: { before?: (moment: Moment) => void; after?: (moment: Moment) => void },
  calmSeconds = 0,
): World {
  const world = new World({ lagSeconds, bootSeconds, skewSeconds });
  const { most, threshold, perInstance, goal, late, keep } = one;
  const types = { INSTANCE_TYPE: 'a.large,b.large', SUBNET_ID: 'subnet-1,subnet-2', SPOT: spot };
  const settings: DecisionSettings = {
    ...fixed,
    places: placesOf(types),
    WARM_POOL: warm,
    MAX_INSTANCES: most,
    SCALE_POLICY: policy,
    SCALE_OUT_THRESHOLD: threshold,
    BACKLOG_PER_INSTANCE: perInstance,
    LATENCY_SECONDS: goal,
    SLACK_SHARE: late,
    KEEP_SECONDS: keep,
    IDLE_SECONDS: 5,
    BOOT_SECONDS: 60,
  };
  let memory = startMemory('seed');
  for (const now of [...spells, ...Array.from({ length: calmSeconds }, () => calm)]) {
    world.step(now);
    const observation = world.observe(now);
    const decision = decide(observation, settings, memory);
    const { actions } = decision;
    check.before?.({ world, observation, actions, settings });
    memory = applyOutcomes(decision.memory, world.carryOut(actions, now), world.now);
    check.after?.({ world, observation, actions, settings });
  }
  return world;
}

const runs = { seed: 546, numRuns: 300 };

for (const policy of Object.keys(policies) as (keyof typeof policies)[]) {
  describe(`in any weather, under ${policy},`, { timeout: 120_000 }, () => {
    it('there are never more instances than the largest fleet, listed or not', () => {
      const after = ({ world, settings }: Moment) =>
        assert.ok(world.alive.length + world.atRest.length <= settings.MAX_INSTANCES);
      fc.assert(
        fc.property(scene, (one) => void play(policy, one, { after })),
        runs,
      );
    });

    it('no two instances have the same number, until one is gone', () => {
      const after = ({ world }: Moment) => {
        const numbers = world.instances
          .filter(({ state }) => state !== 'terminated')
          .map(({ number }) => number);
        assert.equal(new Set(numbers).size, numbers.length);
      };
      fc.assert(
        fc.property(scene, (one) => void play(policy, one, { after })),
        runs,
      );
    });

    it('no instance that works is ever terminated, and none asked to drain but idle ones', () => {
      const before = ({ world, observation, actions, settings }: Moment) => {
        for (const action of actions) {
          if (action.kind === 'terminate' || action.kind === 'stop') {
            const instance = world.instances.find(({ id }) => id === action.instanceId);
            assert.ok(instance?.hung || instance?.inHand.length === 0, 'it works');
          }
          if (action.kind === 'drain') {
            const lease = observation.leases?.get(action.instanceId);
            assert.equal(lease?.state, 'idle');
            assert.equal(lease?.inHand, 0);
            // `drain-time` lets idle ones go at once.
            const idleMs = policy === 'drain-time' ? 0 : settings.IDLE_SECONDS * 1000;
            assert.ok(lease && lease.forMs + lease.silentMs >= idleMs);
          }
        }
      };
      fc.assert(
        fc.property(scene, (one) => void play(policy, one, { before })),
        runs,
      );
    });

    it('a failed reading never scales in', () => {
      const before = ({ observation, actions }: Moment) => {
        const { instances, leases, pressure, depth } = observation;
        if (instances && leases && pressure && depth) return;
        assert.ok(!actions.some(({ kind }) => kind === 'drain'));
        if (instances === undefined || leases === undefined) {
          assert.ok(!actions.some(({ kind }) => kind === 'terminate'));
        }
      };
      fc.assert(
        fc.property(scene, (one) => void play(policy, one, { before })),
        runs,
      );
    });

    it('once it is calm, all work gets done and the fleet comes back to zero', () => {
      // The longest work, twice lost, on one instance: then boot, silence, idle and lag once more.
      const calmSeconds = 3000;
      fc.assert(
        fc.property(scene, (one) => {
          const world = play(policy, one, {}, calmSeconds);
          assert.equal(world.alive.length, 0);
          assert.equal(world.waiting, 0);
          assert.ok(world.atRest.length <= one.warm);
          assert.ok(world.instances.every((i) => i.state === 'terminated' || !i.unnamed));
          assert.ok(
            world.atRest.every((i) => !i.spot),
            'a spot instance cannot rest',
          );
        }),
        { ...runs, numRuns: 100 },
      );
    });

    it('demand above zero always ends with an instance', () => {
      const few = fc.record({ one: scene, arrivals: fc.integer({ min: 1, max: 5 }) });
      fc.assert(
        fc.property(few, ({ one, arrivals }) => {
          // After the weather all is gone; then a few come, and no more.
          const calmFor = Array.from({ length: 1500 }, () => calm);
          const spells = [...one.spells, ...calmFor, { ...calm, arrivals }];
          let launched = 0;
          const before = ({ actions }: Moment) => {
            launched += actions.filter(({ kind }) => kind === 'launch' || kind === 'start').length;
          };
          play(policy, { ...one, spells: spells.slice(0, -1) }, { before });
          const earlier = launched;
          launched = 0;
          // The goal, at most, and the lag of the list.
          const world = play(policy, { ...one, spells }, { before }, one.goal + 30);
          assert.ok(launched > earlier);
          assert.ok(world.instances.length >= 1);
        }),
        { ...runs, numRuns: 40 },
      );
    });
  });
}
