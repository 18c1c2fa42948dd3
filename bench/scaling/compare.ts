/**
 * Runs contenders on workloads, each pair in the simulation that fits its load, and pools what several
 * draws of one gave. `compareAll` spreads the pairs over worker threads, which run this file too.
 */

import { availableParallelism } from 'node:os';
import { parentPort, Worker } from 'node:worker_threads';
import { type Contender, contenders, type Family } from './contenders/contenders.ts';
import { bound, boundUnforeseen } from './contenders/oracle.ts';
import { simulateCohorts } from './simulation/cohorts.ts';
import { simulateExactly } from './simulation/exact.ts';
import {
  Latencies,
  type Load,
  type Moment,
  type Outcome,
  type Scaler,
  type World,
} from './simulation/world.ts';
import { findWorkload, type Workload } from './workloads.ts';

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
  /** Instance-seconds below which no scaler gets at this p95; for `drain-time` only. */
  readonly bound?: number;
  /** The same without knowing when the burst comes; for bursts only. */
  readonly boundUnforeseen?: number;
}

/** The draws of one workload, made once for all contenders. */
export interface Drawn {
  readonly workload: Workload;
  readonly draws: readonly { readonly load: Load; readonly world: World }[];
}

/** Policies were tuned on the draws of set 0; the report is made of another. */
const REPORTED_SET = 1;

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
    // A request that is never answered waits longer than any other.
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

/** In the mode that fits the load. */
export function simulate(
  load: Load,
  scaler: Scaler,
  world: World,
  observe?: (moment: Moment) => void,
): Outcome {
  return load.kind === 'requests'
    ? simulateExactly(load.arrivals, scaler, world, observe)
    : simulateCohorts(load.perSecond, scaler, world, observe);
}

/** Some contenders on one workload. */
interface Job {
  readonly workload: string;
  readonly from: number;
  readonly to: number;
}

/** Large enough that drawing a load again costs little beside. */
const CONTENDERS_A_JOB = 24;

/** @throws whatever a worker threw; the others are stopped */
export async function compareAll(
  workloads: readonly string[],
  onProgress: (done: number, all: number) => void = () => {},
): Promise<Result[]> {
  const jobs = workloads.flatMap((workload) =>
    Array.from({ length: Math.ceil(contenders.length / CONTENDERS_A_JOB) }, (_, part): Job => {
      const from = part * CONTENDERS_A_JOB;
      return { workload, from, to: Math.min(contenders.length, from + CONTENDERS_A_JOB) };
    }),
  );
  const results: Result[][] = [];
  // The longest come last in the list; begun first, they do not end alone.
  const waiting = jobs.map((job, index) => ({ job, index })).reverse();
  let done = 0;
  const workers = Array.from(
    { length: Math.min(jobs.length, availableParallelism()) },
    () => new Worker(new URL('./compare.ts', import.meta.url)),
  );
  try {
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            let current = -1;
            const next = (): void => {
              const taken = waiting.shift();
              if (taken === undefined) {
                resolve();
                return;
              }
              current = taken.index;
              worker.postMessage(taken.job);
            };
            worker.on('message', (some: Result[]) => {
              results[current] = some;
              done += 1;
              onProgress(done, jobs.length);
              next();
            });
            worker.once('error', reject);
            next();
          }),
      ),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return results.flat();
}

let drawn: Drawn | undefined;

// In a worker thread: gets a job, answers with its results.
parentPort?.on('message', ({ workload, from, to }: Job) => {
  if (drawn?.workload.name !== workload) drawn = draw(findWorkload(workload));
  const here = drawn;
  parentPort?.postMessage(contenders.slice(from, to).map((one) => compare(here, one)));
});
