import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulate } from '../compare.ts';
import { simulateExactly } from './exact.ts';
import { exponential, type ServiceTime, seededRandom } from './random.ts';
import type { Scaler, World } from './world.ts';

/** A fleet that is up before the first request. */
const fixed = (size: number): Scaler => ({
  tick: ({ now }) => (now === 1 ? { launch: size } : {}),
});

const world = (service: ServiceTime, more: Partial<World> = {}): World => ({
  service,
  boot: { least: 10, most: 20 },
  drainSeconds: 2,
  maxInstances: 1000,
  horizon: 20_000,
  seed: 7,
  ...more,
});

function poissonStream(rate: number, end: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  const arrivals: number[] = [];
  for (let at = 60; at < end; at += exponential(random, 1 / rate)) arrivals.push(at);
  return Float64Array.from(arrivals);
}

/** Mean wait of M/M/c by Erlang's C formula (Kleinrock, Queueing Systems I, 3.4). */
function waitMMc(rate: number, mean: number, servers: number): number {
  const offered = rate * mean;
  // Erlang B by its recursion, then C from B.
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (offered * blocked) / (n + offered * blocked);
  const used = offered / servers;
  const waits = blocked / (1 - used + used * blocked);
  return (waits * mean) / (servers - offered);
}

const within = (measured: number, expected: number, share: number): void =>
  assert.ok(
    Math.abs(measured - expected) <= share * expected,
    `${measured} is not within ${100 * share} % of ${expected}`,
  );

describe('the exact simulation', () => {
  for (const [servers, used] of [
    [1, 0.5],
    [1, 0.8],
    [4, 0.8],
    [10, 0.9],
  ] as const) {
    it(`waits as long as Erlang says with ${servers} instances used to ${100 * used} %`, () => {
      const mean = 0.5;
      const rate = (used * servers) / mean;
      const horizon = 400_000 / rate;
      const { latencies } = simulateExactly(
        poissonStream(rate, horizon, 3),
        fixed(servers),
        world({ mean, shape: 'exponential' }, { horizon }),
      );
      within(latencies.mean - mean, waitMMc(rate, mean, servers), 0.06);
    });
  }

  it('waits half as long when every request takes the same time (M/D/1)', () => {
    const [mean, rate] = [1, 0.8];
    const horizon = 300_000;
    const { latencies } = simulateExactly(
      poissonStream(rate, horizon, 5),
      fixed(1),
      world({ mean, shape: 'fixed' }, { horizon }),
    );
    // Pollaczek-Khinchine: ρ · mean / (2 (1 - ρ)).
    within(latencies.mean - mean, (0.8 * mean) / (2 * 0.2), 0.06);
  });

  it('bills a fixed fleet from launch to horizon, and an instance at least a minute', () => {
    const idle = simulateExactly(new Float64Array(), fixed(3), world({ mean: 1, shape: 'fixed' }));
    assert.equal(idle.instanceSeconds, 3 * (20_000 - 1));
    const brief = simulateExactly(
      new Float64Array(),
      {
        tick: ({ now }) => (now === 1 ? { launch: 2 } : { drain: { count: 2, idleSeconds: 0 } }),
      },
      world({ mean: 1, shape: 'fixed' }),
    );
    assert.equal(brief.launches, 2);
    assert.equal(brief.instanceSeconds, 2 * 60);
  });
});

describe('the cohort simulation', () => {
  /** Grows with what waits, drains the idle: exercises boots, idle times and drains alike. */
  const follower = (): Scaler => ({
    tick: (view) => {
      const want = Math.ceil((view.visible + view.inFlight) / 4);
      const have = view.serving + view.booting.length;
      return want > have
        ? { launch: want - have }
        : { drain: { count: have - want, idleSeconds: 3 } };
    },
  });

  const loads: Record<string, (at: number) => number> = {
    steady: () => 150,
    waves: (at) => 100 + 90 * Math.sin(at / 300),
    pauses: (at) => (at % 900 < 400 ? 160 : 0),
  };
  for (const [name, rate] of Object.entries(loads)) {
    it(`agrees with the exact one on fleet and latency: ${name}`, () => {
      const horizon = 3600;
      const random = seededRandom(11);
      const arrivals: number[] = [];
      for (let at = 60; at < horizon; at += exponential(random, 1 / 200)) {
        if (random() * 200 < rate(at)) arrivals.push(at);
      }
      const perSecond = new Float64Array(horizon);
      for (const at of arrivals) perSecond[Math.floor(at)]! += 1;
      const here = world({ mean: 0.5, shape: 'erlang-4' }, { horizon });
      const exact = simulateExactly(Float64Array.from(arrivals), follower(), here);
      const cohorts = simulate({ kind: 'counts', perSecond }, follower(), here);
      assert.equal(cohorts.unserved, 0);
      within(cohorts.latencies.count, arrivals.length, 1e-6);
      within(cohorts.instanceSeconds, exact.instanceSeconds, 0.05);
      within(cohorts.latencies.percentile(95), exact.latencies.percentile(95), 0.1);
      within(cohorts.mostAlive, exact.mostAlive, 0.1);
    });
  }
});
