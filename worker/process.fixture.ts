/** The worker as a process of its own, with the inference double in place of the model. */
import { runWorker } from './run.ts';
import { DOUBLE } from './worker.fixture.ts';

await runWorker({}, { inferenceEntry: DOUBLE });
