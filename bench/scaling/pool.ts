/** Spreads the comparisons over the processor's cores: worker threads that each take the next job. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Result } from './compare.ts';
import { contenders } from './contenders.ts';

/** Some contenders on one workload. */
export interface Job {
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
    () => new Worker(new URL('./compare.worker.ts', import.meta.url)),
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
