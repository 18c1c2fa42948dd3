/** A worker from start to exit of its process: signals, the end of its parent, a machine it cannot run on. */

import { createLogger } from '../runtime/log.ts';
import { EXIT } from '../runtime/process/exit.ts';
import { supervise } from '../runtime/process/service.ts';
import type { SettingsInput } from '../runtime/settings.ts';
import { identify } from './identity.ts';
import { startInference } from './inference/start.ts';

/**
 * Runs until a signal stops it, which drains first and exits with 0, or until its instance is
 * no longer needed, when it exits with EXIT.unneeded.
 * @param inferenceEntry the inference program; the model unless a test brings another
 * @throws what start-up throws, and {InferenceUnfit} when no inference process stays up here
 */
export async function runWorker(flags: SettingsInput, inferenceEntry?: URL): Promise<never> {
  const { instanceId, settings } = await identify(flags, process.env);
  const log = createLogger('worker', settings.LOG_LEVEL).child({ instance: instanceId });
  const inference = startInference(settings, log, inferenceEntry);
  // The AWS clients take half as long to load as the model: both load at the same time.
  const { startWorker } = await import('./service.ts');
  const worker = await startWorker({ settings, instanceId, log, inference });
  const supervisor = supervise(worker, log, settings);
  worker.ready.then(
    () => supervisor.ready(),
    () => {}, // `failed` reports it.
  );
  log.info({ model: settings.MODEL_DIR }, 'Started');
  try {
    await Promise.race([worker.failed, worker.unneeded]);
    supervisor.stopping();
    await worker.stop();
    // The unit powers the machine off, which on EC2 terminates it.
    process.exit(EXIT.unneeded);
  } catch (err) {
    log.fatal({ err }, 'This worker cannot continue');
    await worker.stop();
    throw err;
  }
}
