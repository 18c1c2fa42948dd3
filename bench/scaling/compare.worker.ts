/** One thread of the comparison: gets a job, answers with its results. */
import { parentPort } from 'node:worker_threads';
import { compare, type Drawn, draw } from './compare.ts';
import { contenders } from './contenders.ts';
import type { Job } from './pool.ts';
import { findWorkload } from './workloads.ts';

let drawn: Drawn | undefined;

parentPort?.on('message', ({ workload, from, to }: Job) => {
  if (drawn?.workload.name !== workload) drawn = draw(findWorkload(workload));
  const here = drawn;
  parentPort?.postMessage(contenders.slice(from, to).map((one) => compare(here, one)));
});
