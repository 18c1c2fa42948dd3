/** Runs contenders on workloads and pools what several draws of one gave. */
import type { Contender, Family } from './contenders.ts';
import { Latencies } from './latencies.ts';
import { bound, boundUnforeseen } from './peers/oracle.ts';
import { simulate } from './simulate.ts';
import type { Workload } from './workloads.ts';
import type { Load, World } from './world.ts';

export interface Result {
  readonly workload: string;
  readonly family: Family;
  readonly settings: string;
  readonly isDefault: boolean;
  /** Billed instance-seconds, the mean of the draws. */
  readonly cost: number;
  readonly launches: number;
  readonly mostAlive: number;
  /** Seconds, over the requests of all draws. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly worst: number;
  /** Requests in all draws, and those of them never answered. */
  readonly requests: number;
  readonly unserved: number;
  /** Instance-seconds that nobody can get below at this p95; for `drain-time` only. */
  readonly bound?: number;
  /** The same without knowing when the burst comes; for bursts only. */
  readonly boundUnforeseen?: number;
}

/** The draws of one workload, made once for all who meet them. */
export interface Drawn {
  readonly workload: Workload;
  readonly draws: readonly { readonly load: Load; readonly world: World }[];
}

/** Policies were tuned on the draws of set 0; the report is made of another. */
export const REPORTED_SET = 1;

export function draw(workload: Workload, set = REPORTED_SET): Drawn {
  const draws = Array.from({ length: workload.draws }, (_, index) => {
    const seed = 1000 * (index + 1) + 1_000_000 * set;
    return { load: workload.load(seed), world: { ...workload.world, seed: seed + 500 } };
  });
  return { workload, draws };
}

export function compare({ workload, draws }: Drawn, contender: Contender): Result {
  const latencies = new Latencies();
  let [cost, launches, mostAlive, unserved] = [0, 0, 0, 0];
  for (const { load, world } of draws) {
    const outcome = simulate(load, contender.scaler(load, world), world);
    latencies.merge(outcome.latencies);
    cost += outcome.instanceSeconds / draws.length;
    launches += outcome.launches / draws.length;
    mostAlive = Math.max(mostAlive, outcome.mostAlive);
    unserved += outcome.unserved;
  }
  const { family, settings, isDefault = false } = contender;
  const p95 = latencies.percentile(95);
  const bounds = draws.map(({ load, world }) =>
    contender.family === 'drain-time' ? bound(load, world, p95) / draws.length : 0,
  );
  const unforeseen = draws.map(({ load, world }) =>
    contender.family === 'drain-time'
      ? (boundUnforeseen(load, world, p95) ?? Number.NaN) / draws.length
      : Number.NaN,
  );
  const leastUnforeseen = unforeseen.reduce((sum, one) => sum + one, 0);
  const least = bounds.reduce((sum, one) => sum + one, 0);
  return {
    workload: workload.name,
    family,
    settings,
    isDefault,
    cost,
    launches,
    mostAlive,
    // Someone who is never answered waits longer than anyone.
    ...(unserved > 0
      ? { p50: latencies.percentile(50), p95: Infinity, p99: Infinity, worst: Infinity }
      : {
          p50: latencies.percentile(50),
          p95: latencies.percentile(95),
          p99: latencies.percentile(99),
          worst: latencies.worst,
        }),
    requests: latencies.count + unserved,
    unserved,
    ...(least > 0 ? { bound: least } : {}),
    ...(leastUnforeseen > 0 ? { boundUnforeseen: leastUnforeseen } : {}),
  };
}
