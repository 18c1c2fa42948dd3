/** A worker from start to exit of its process: signals, a parent that goes, a machine it cannot run on. */

import { createLogger } from '../runtime/log.ts';
import { EXIT } from '../runtime/process/exit-codes.ts';
import { leaveWithParent, stopOnSignals } from '../runtime/process/stop.ts';
import { openSupervisor } from '../runtime/process/systemd.ts';
import type { SettingsInput } from '../runtime/settings.ts';
import { identify } from './identity.ts';
import { startInference } from './inference/start.ts';

/**
 * Runs until a signal stops it, which drains first and exits with 0, or until it is an instance that
 * nobody needs any more, when it exits with EXIT.unneeded.
 * @param inferenceEntry the inference program; the model unless a test brings another
 * @throws what start-up throws, and {InferenceUnfit} when no inference process stays up here
 */
export async function runWorker(flags: SettingsInput, inferenceEntry?: URL): Promise<never> {
  const { instanceId, settings } = await identify(flags, process.env);
  const log = createLogger('worker', settings.LOG_LEVEL).child({ instance: instanceId });
  const inference = startInference(settings, log, inferenceEntry);
  // The AWS clients take as long to load as half of the model: both at once.
  const { startWorker } = await import('./service.ts');
  const worker = await startWorker({ settings, instanceId, log, inference });
  const supervisor = openSupervisor({ log });
  stopOnSignals(log, () => {
    supervisor.stopping();
    return worker.stop();
  });
  worker.ready.then(
    () => supervisor.ready(),
    () => {}, // `failed` tells.
  );
  leaveWithParent(log);
  log.info({ model: settings.MODEL_DIR }, 'started');
  try {
    await Promise.race([worker.failed, worker.alone]);
    supervisor.stopping();
    await worker.stop();
    // The unit powers the machine off, which on EC2 terminates it.
    process.exit(EXIT.unneeded);
  } catch (err) {
    log.fatal({ err }, 'this worker cannot go on');
    await worker.stop();
    throw err;
  }
}
