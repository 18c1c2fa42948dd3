import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { settings as fixed } from '../observation.fixture.ts';
import { drainTime } from './drain-time.ts';
import { policies } from './policies.ts';
import { fleetOf, type ScalingSettings, type Situation, type Wish, wishOf } from './policy.ts';
import { situation } from './situation.fixture.ts';

type Name = keyof typeof policies;

function ask(
  name: Name,
  given: Partial<Situation> = {},
  more: Partial<ScalingSettings> = {},
): string {
  const wish = wishOf(policies[name], situation(given), { ...fixed, MAX_INSTANCES: 20, ...more });
  return wish.kind === 'hold' ? 'hold' : `${wish.kind} to ${wish.to}`;
}

const UNREAD = { demand: { known: undefined, certain: false } };
const HALF_READ = { demand: { known: 0, certain: false } };

for (const name of Object.keys(policies) as Name[]) {
  describe(`the policy ${name}`, () => {
    it('holds when nothing could be read, and releases no instance when one source could not', () => {
      assert.equal(ask(name, { ...UNREAD, serving: 2 }), 'hold');
      assert.equal(ask(name, { ...HALF_READ, serving: 2, emptySeconds: undefined }), 'hold');
    });

    it('with any demand and nobody there wants an instance, however many are the threshold', () => {
      for (const visible of [1, 2, 5]) {
        assert.match(ask(name, { visible }, { SCALE_OUT_THRESHOLD: 5 }), /^grow to [1-9]/);
      }
    });

    it('wants no more than the largest fleet', () => {
      assert.equal(ask(name, { visible: 1e6 }), 'grow to 20');
    });

    it('comes back to zero after a quiet minute, and to the smallest fleet if there is one', () => {
      const quiet = { serving: 3, emptySeconds: 61 };
      assert.equal(ask(name, quiet), 'shrink to 0');
      assert.equal(ask(name, quiet, { MIN_INSTANCES: 2 }), 'shrink to 2');
      assert.equal(ask(name, { ...quiet, serving: 2 }, { MIN_INSTANCES: 2 }), 'hold');
      assert.equal(ask(name, {}, { MIN_INSTANCES: 2 }), 'grow to 2');
    });

    it('gives a reason for whatever it wishes', () => {
      for (const given of [{}, UNREAD, HALF_READ, { visible: 3 }, { visible: 3, serving: 9 }]) {
        const wish = policies[name](situation({ serving: 1, ...given }), fixed);
        assert.match(wish.reason, /\w+ \w+/);
      }
    });
  });
}

describe('the policy backlog', () => {
  it('wants a number of requests per instance, those in work among them', () => {
    assert.equal(ask('backlog', { visible: 20, inFlight: 1 }), 'grow to 3');
    assert.equal(ask('backlog', { visible: 20, inFlight: 1, serving: 2, booting: [3] }), 'hold');
    assert.equal(ask('backlog', { visible: 21 }, { BACKLOG_PER_INSTANCE: 100 }), 'grow to 1');
  });

  it('shrinks while there is work, by idle instances only', () => {
    const wish = policies.backlog(situation({ visible: 11, serving: 5 }), fixed);
    assert.deepEqual(wish.kind === 'shrink' && [wish.to, wish.idleSeconds], [
      2,
      fixed.IDLE_SECONDS,
    ]);
  });

  it('up to the activation threshold one instance serves all', () => {
    const activation = { SCALE_OUT_THRESHOLD: 50 };
    assert.equal(ask('backlog', { visible: 50 }, activation), 'grow to 1');
    assert.equal(ask('backlog', { visible: 51 }, activation), 'grow to 6');
  });
});

describe('the policy drain-time', () => {
  it('wants the fewest that do the work in what a boot leaves of the goal', () => {
    // 20 s are left after a boot of 40 s: 100 s of work need five.
    assert.equal(ask('drain-time', { visible: 100 }), 'grow to 5');
    assert.equal(ask('drain-time', { visible: 100, serviceSeconds: 0.1 }), 'grow to 1');
    assert.equal(ask('drain-time', { visible: 100 }, { LATENCY_SECONDS: 140 }), 'grow to 1');
    assert.equal(ask('drain-time', { visible: 100, bootSeconds: 10 }), 'grow to 2');
  });

  it('starts nobody who would come up after the work is gone', () => {
    assert.equal(ask('drain-time', { visible: 39, serving: 1 }), 'hold');
    assert.equal(ask('drain-time', { visible: 70, serving: 1, booting: [39] }), 'hold');
    assert.equal(ask('drain-time', { visible: 39, serving: 1 }, { LATENCY_SECONDS: 1 }), 'hold');
    assert.equal(ask('drain-time', { visible: 200, serving: 1 }), 'grow to 10');
  });

  it('adds those whom the arrivals need, before the queue tells', () => {
    const given = { visible: 30, serving: 1, arrivalsPerSecond: 3.5 };
    assert.equal(ask('drain-time', given), 'grow to 4');
    assert.equal(ask('drain-time', { ...given, arrivalsPerSecond: 0.5 }), 'hold');
  });

  it('lets go whom the load no longer needs, idle ones at once, though requests go on', () => {
    const given = situation({ visible: 1, inFlight: 1, serving: 8, arrivalsPerSecond: 2 });
    const wish = drainTime(given, { ...fixed, KEEP_SECONDS: 30 });
    assert.deepEqual(
      wish.kind === 'shrink' && [wish.to, wish.idleSeconds, wish.keepSeconds],
      [2, 0, 30],
    );
  });

  it('lets everybody go after the idle time, however many came before', () => {
    const before = { serving: 3, arrivalsPerSecond: 5, serviceSeconds: 0.5 };
    assert.equal(ask('drain-time', { ...before, emptySeconds: 9 }), 'shrink to 2');
    const seen = situation({ ...before, emptySeconds: 10 });
    const wish = drainTime(seen, { ...fixed, KEEP_SECONDS: 300 });
    assert.ok(wish.kind === 'shrink');
    assert.deepEqual(
      [wish.to, wish.idleSeconds, wish.keepSeconds, wish.young],
      [0, 0, undefined, undefined],
    );
  });

  it('keeps one whose first minute is paid for until it has idled for the idle time', () => {
    const wish = drainTime(situation({ visible: 1, serving: 4 }), fixed);
    assert.ok(wish.kind === 'shrink');
    assert.deepEqual(wish.young, { forSeconds: 58, idleSeconds: fixed.IDLE_SECONDS });
  });

  it('with a goal shorter than a boot counts those who come during the boot', () => {
    const given = { visible: 4, serving: 1, bootSeconds: 40 };
    const goal = { LATENCY_SECONDS: 10 };
    assert.equal(ask('drain-time', given, goal), 'hold');
    // 4 s of work and 3 more in each of 35 s, of which one instance does 45 s: 64 s in 5 s.
    assert.equal(ask('drain-time', { ...given, arrivalsPerSecond: 3 }, goal), 'grow to 14');
  });

  it('launches nobody once all is done, whatever came before', () => {
    assert.doesNotMatch(
      ask('drain-time', { arrivalsPerSecond: 50 }, { LATENCY_SECONDS: 1 }),
      /grow/,
    );
  });

  it('waits with the first launch for as long as one can still do it, when that is wanted', () => {
    const late = { SLACK_SHARE: 1, LATENCY_SECONDS: 120 };
    assert.equal(ask('drain-time', { visible: 1, oldestSeconds: 10 }, late), 'hold');
    assert.equal(ask('drain-time', { visible: 1, oldestSeconds: 76 }, late), 'grow to 1');
    const half = { ...late, SLACK_SHARE: 0.5 };
    assert.equal(ask('drain-time', { visible: 1, oldestSeconds: 37 }, half), 'hold');
    assert.equal(ask('drain-time', { visible: 1, oldestSeconds: 38 }, half), 'grow to 1');
    assert.equal(ask('drain-time', { visible: 1, oldestSeconds: undefined }, late), 'grow to 1');
    assert.equal(ask('drain-time', { visible: 1, oldestSeconds: 10 }), 'grow to 1');
  });

  const any = fc.record({
    visible: fc.nat(5000),
    inFlight: fc.nat(20),
    serving: fc.nat(20),
    booting: fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 10 }),
    serviceSeconds: fc.double({ min: 0.01, max: 60, noNaN: true }),
    bootSeconds: fc.double({ min: 1, max: 120, noNaN: true }),
  });

  it('never launches for work that those there are done with before a boot is over', () => {
    fc.assert(
      fc.property(any, fc.double({ min: 0.1, max: 300, noNaN: true }), (given, goal) => {
        const seen = situation(given);
        if (fleetOf(seen) === 0) return;
        const wish: Wish = drainTime(seen, {
          ...fixed,
          MAX_INSTANCES: 1000,
          LATENCY_SECONDS: goal,
        });
        if (wish.kind !== 'grow') return;
        const { serving, booting, bootSeconds, serviceSeconds, visible, inFlight } = seen;
        const byThen = booting.reduce(
          (sum, age) => sum + Math.max(0, bootSeconds - Math.max(1, bootSeconds - age)),
          serving * bootSeconds,
        );
        assert.ok((visible + inFlight) * serviceSeconds > byThen);
      }),
      { seed: 546, numRuns: 2000 },
    );
  });
});
