/** The worker as a process of its own, with the inference double in place of the model. */
import { runWorker } from './run.ts';
import { DOUBLE } from './worker.fixture.ts';

const { LEAST_AGE_MS } = process.env;
await runWorker(
  {},
  { inferenceEntry: DOUBLE, ...(LEAST_AGE_MS ? { leastAgeMs: Number(LEAST_AGE_MS) } : {}) },
);
