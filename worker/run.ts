/**
 * A worker from start to exit of its process: signals, the end of its parent, a machine it cannot run on,
 * settings that change meanwhile.
 */
import { createLogger, type Logger } from '../runtime/log.ts';
import { EXIT } from '../runtime/process/exit.ts';
import { followSettings, type SettingsSource } from '../runtime/process/follow-settings.ts';
import { supervise } from '../runtime/process/service.ts';
import type { SettingsInput, WorkerSettings } from '../runtime/settings.ts';
import { identify } from './identity.ts';
import { isSameModel, startInference } from './inference/start.ts';
import type { WorkerService } from './service.ts';

export interface RunOptions {
  /** The inference program, in place of the model. */
  readonly inferenceEntry?: URL;
  /** How often changed settings are looked for. */
  readonly settingsPollMs?: number;
}

/**
 * Runs until a signal stops it, which drains first and exits with 0, or until its instance is
 * no longer needed, when it exits with EXIT.unneeded.
 * @throws what start-up throws, and {InferenceUnfit} when no inference process stays up here
 */
export async function runWorker(flags: SettingsInput, options: RunOptions = {}): Promise<never> {
  const { instanceId, settings: first, parse } = await identify(flags, process.env);
  const logBy = ({ LOG_LEVEL }: WorkerSettings): Logger =>
    createLogger('worker', LOG_LEVEL).child({ instance: instanceId });
  const log = logBy(first);
  let inference = startInference(first, log, options.inferenceEntry);
  // The AWS clients take half as long to load as the model: both load at the same time.
  const { startWorker } = await import('./service.ts');
  const source = await sourceOf(first);
  const settings = source === undefined ? first : parse(await source.readAtStart(log));
  if (!isSameModel(first, settings)) {
    await inference.stop();
    inference = startInference(settings, logBy(settings), options.inferenceEntry);
  }

  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {}); // Awaited below.
  const watched = (started: WorkerService): WorkerService => {
    started.failed.catch(ended.reject);
    started.unneeded.then(ended.resolve);
    return started;
  };
  let worker = watched(
    await startWorker({ settings, instanceId, log: logBy(settings), inference }),
  );
  let current = settings;
  const startWith = async (next: WorkerSettings): Promise<void> => {
    worker = watched(
      await startWorker({
        settings: next,
        instanceId,
        log: logBy(next),
        inference: startInference(next, logBy(next), options.inferenceEntry),
      }),
    );
    current = next;
  };
  const following =
    source &&
    followSettings({
      source,
      current: settings,
      parse,
      async apply(next) {
        // An instance that drains is not needed with other settings either.
        if (worker.state === 'draining' || worker.state === 'drained') return;
        await worker.stop({ restarts: true });
        await startWith(next).catch(async (error: unknown) => {
          await startWith(current).catch(ended.reject);
          throw error;
        });
      },
      log,
      pollMs: options.settingsPollMs,
    });
  const stop = async (): Promise<void> => {
    await following?.stop();
    await worker.stop();
  };
  const supervisor = supervise({ stop }, log, settings);
  worker.ready.then(
    () => supervisor.ready(),
    () => {}, // `failed` reports it.
  );
  log.info({ model: settings.MODEL_DIR }, 'Started');
  try {
    await ended.promise;
    supervisor.stopping();
    await stop();
    // The unit powers the machine off, which on EC2 terminates it.
    process.exit(EXIT.unneeded);
  } catch (err) {
    log.fatal({ err }, 'This worker cannot continue');
    await stop();
    throw err;
  }
}

async function sourceOf(settings: WorkerSettings): Promise<SettingsSource | undefined> {
  if (settings.SETTINGS_PARAMETER === undefined) return undefined;
  const { openSettingsParameter } = await import('../cloud/aws/settings-parameter.ts');
  return openSettingsParameter(settings);
}
