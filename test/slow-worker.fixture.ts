/** What instances run in tests of long work: the real worker with an inference that takes its time. */
import { runWorker } from '../worker/run.ts';

await runWorker({}, new URL('./slow-inference.fixture.ts', import.meta.url));
