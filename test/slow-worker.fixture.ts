/** What instances run in tests of long work: the real worker with an inference that takes its time. */
import { runWorker } from '../worker/run.ts';

const poll = process.env.SETTINGS_POLL_MS;
await runWorker(
  {},
  {
    inferenceEntry: new URL('./slow-inference.fixture.ts', import.meta.url),
    ...(poll === undefined ? {} : { settingsPollMs: Number(poll) }),
  },
);
