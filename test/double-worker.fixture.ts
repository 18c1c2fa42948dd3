/** What test instances run as their image's program: the real worker with the inference double. */
import { runWorker } from '../worker/run.ts';
import { DOUBLE } from '../worker/worker.fixture.ts';

await runWorker({}, { inferenceEntry: DOUBLE });
