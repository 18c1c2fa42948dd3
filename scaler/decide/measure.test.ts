import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LeaseReading } from '../../cloud/redis/leases.ts';
import { estimatesOf, type Measures, measure, startMeasures } from './measure.ts';
import { lease, observation, running, type Seen, START } from './observation.fixture.ts';

/** Shows one reading a second. */
function watch(seconds: number, seen: (second: number) => Seen, from = startMeasures()): Measures {
  let measures = from;
  for (let second = 0; second < seconds; second++) {
    const now = START + 1000 * second;
    measures = measure(observation({ ...seen(second), now }), measures);
  }
  return measures;
}

function near(got: number, wanted: number, share: number): void {
  assert.ok(Math.abs(got - wanted) <= share * wanted, `${got}, wanted ${wanted}`);
}

const busy = (finished: number, more: Partial<LeaseReading> = {}): LeaseReading =>
  lease('busy', 0, { finished, ...more });

describe('what is measured', () => {
  it('are guesses at first', () => {
    const { arrivalsPerSecond, serviceSeconds, bootSeconds } = estimatesOf(startMeasures());
    assert.equal(arrivalsPerSecond, 0);
    assert.ok(serviceSeconds > 0 && bootSeconds > 0);
  });

  it('arrivals are what demand grows by and what is finished meanwhile', () => {
    const seen = (second: number): Seen => ({
      instances: [running(1)],
      leases: { 'i-1': busy(3 * second) },
      pressure: { count: 10 + 2 * second },
    });
    near(estimatesOf(watch(120, seen)).arrivalsPerSecond, 5, 0.01);
  });

  it('a crowd is seen within seconds, and a single burst is not taken for one', () => {
    const fresh = (seconds: number, count: (second: number) => number): number => {
      const seen = (second: number): Seen => ({
        instances: [running(1)],
        leases: { 'i-1': busy(0) },
        pressure: { count: count(second) },
      });
      return estimatesOf(watch(seconds, seen)).freshArrivalsPerSecond;
    };
    const crowd = fresh(68, (second) => 40 * Math.max(0, second - 60));
    assert.ok(crowd > 15 && crowd < 40, String(crowd));
    const burst = fresh(68, (second) => (second < 62 ? 0 : 280));
    assert.ok(burst < 15, String(burst));
    assert.equal(fresh(68, (second) => (second < 66 ? 0 : 100 * (second - 65))) < 15, true);
  });

  it('a request that leaves the demand before a lease counts it did not come twice', () => {
    // One comes every other second, and its lease tells a second after the pressure.
    const seen = (second: number): Seen => ({
      instances: [running(1)],
      leases: { 'i-1': lease('idle', 0, { finished: Math.floor(second / 2) }) },
      pressure: { count: second % 2 === 0 ? 1 : 0 },
    });
    near(estimatesOf(watch(200, seen)).arrivalsPerSecond, 0.5, 0.05);
  });

  it('arrivals fade when none come, and a flush is no negative arrival for long', () => {
    const flushed = watch(60, (second) => ({
      instances: [running(1)],
      leases: { 'i-1': busy(2 * second) },
      pressure: { count: second < 20 ? 1000 : 0 },
    }));
    near(estimatesOf(flushed).arrivalsPerSecond, 2, 0.5);
    const quiet = watch(300, () => ({ instances: [] }), { ...flushed, last: undefined });
    assert.ok(estimatesOf(quiet).arrivalsPerSecond < 0.01);
  });

  it('service time is busy time by finished requests, over all instances', () => {
    const seen = (second: number): Seen => ({
      instances: [running(1), running(2), running(3)],
      leases: {
        'i-1': busy(4 * second),
        'i-2': busy(4 * second),
        'i-3': lease('idle', 99_000),
      },
      pressure: { count: 100 },
    });
    near(estimatesOf(watch(200, seen)).serviceSeconds, 0.25, 0.02);
  });

  it('long work is known to be long before the first of it is finished', () => {
    const seen = (): Seen => ({
      instances: [running(1)],
      leases: { 'i-1': busy(0) },
      pressure: { count: 9 },
    });
    assert.ok(estimatesOf(watch(60, seen)).serviceSeconds > 3);
  });

  it('a hung instance is not taken for a busy one', () => {
    const seen = (): Seen => ({
      instances: [running(1)],
      leases: { 'i-1': busy(0, { silentMs: 20_000 }) },
      pressure: { count: 9 },
    });
    assert.deepEqual(watch(60, seen).service, startMeasures().service);
  });

  it('boot time is from launch to the first state that takes work', () => {
    const seen = (second: number): Seen => ({
      instances: [running(1, { launchedAt: START })],
      leases:
        second < 10
          ? {}
          : { 'i-1': second < 20 ? lease('starting') : lease('idle', 1000 * (second - 20)) },
    });
    near(estimatesOf(watch(30, seen)).bootSeconds, 20, 0.1);
  });

  it('of an instance that another controller launched, no boot time is known', () => {
    const seen = { instances: [running(1)], pressure: { count: 0 } };
    const booting = measure(observation(seen), startMeasures(), () => false);
    const leases = { 'i-1': lease('idle') };
    const up = measure(observation({ ...seen, leases, now: START + 1000 }), booting, () => false);
    assert.equal(up.boot.count, 0);
  });

  it('instances that were there before tell neither their boots nor what they once finished', () => {
    const before = startMeasures();
    const seen = (): Seen => ({
      instances: [running(1)],
      leases: { 'i-1': lease('idle', 5000, { finished: 5000 }) },
    });
    const measures = watch(10, seen);
    assert.deepEqual(measures.boot, before.boot);
    assert.equal(estimatesOf(measures).arrivalsPerSecond, 0);
  });

  it('an instance whose lease was lost and came back neither boots nor finishes all again', () => {
    const seen = (second: number): Seen => ({
      instances: [running(1)],
      leases: second === 5 ? {} : { 'i-1': lease('idle', 5000, { finished: 5000 }) },
    });
    const measures = watch(10, seen);
    assert.equal(measures.boot.count, 0);
    assert.equal(estimatesOf(measures).arrivalsPerSecond, 0);
  });

  it('a reading that failed changes nothing', () => {
    const known = watch(5, () => ({ instances: [running(1)], pressure: { count: 3 } }));
    const now = START + 9000;
    for (const seen of [
      { instances: undefined },
      { leases: 'unreadable' },
      { pressure: 'unreadable', visible: 'unreadable' },
    ] as const) {
      assert.equal(measure(observation({ now, ...seen }), known), known);
    }
  });

  it('switching from pressure to queue is no burst of arrivals', () => {
    const seen = (second: number): Seen =>
      second < 5
        ? { instances: [], pressure: { count: 0 }, visible: 500 }
        : { instances: [], pressure: 'unreadable', visible: 500 };
    assert.equal(estimatesOf(watch(10, seen)).arrivalsPerSecond, 0);
  });
});
