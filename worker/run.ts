/**
 * A worker from start to exit of its process: signals, the end of its parent, a machine it cannot run on,
 * settings that change meanwhile, people who are forgotten.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { giveBackBlocks, releaseMappedPages } from '../model/native/mapped-pages.ts';
import { createLogger, type Logger } from '../runtime/log.ts';
import { EXIT } from '../runtime/process/exit.ts';
import { followSettings, type SettingsSource } from '../runtime/process/follow-settings.ts';
import { canReplaceProcess, replaceProcess } from '../runtime/process/replace.ts';
import { supervise } from '../runtime/process/service.ts';
import type { SettingsInput, WorkerSettings } from '../runtime/settings.ts';
import { identify } from './identity.ts';
import { isSameModel, startInference } from './inference/start.ts';
import type { WorkerService } from './service.ts';

/** After several forgettings in a row, memory is renewed once. */
const LEAST_AGE_MS = 30_000;
/** The workers of a fleet learn of a version at the same time, and should not all pause then. */
const SPREAD_MS = 2000;

export interface RunOptions {
  /** The inference program, in place of the model. */
  readonly inferenceEntry?: URL;
  /** How often changed settings are looked for. */
  readonly settingsPollMs?: number;
  /** After which this process may be replaced to renew its memory. */
  readonly leastAgeMs?: number;
}

/**
 * Runs until a signal stops it, which drains first and exits with 0, or until its instance is
 * no longer needed, when it exits with EXIT.unneeded.
 * @throws what start-up throws, and {InferenceUnfit} when no inference process stays up here
 */
export async function runWorker(flags: SettingsInput, options: RunOptions = {}): Promise<never> {
  giveBackBlocks();
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
    started.erased.then(() => renew()).catch(ended.reject);
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
  let isStopping = false;
  /** An instance that drains is not needed any more, with other settings or a fresh memory either. */
  const isLeaving = (): boolean =>
    isStopping || worker.state === 'draining' || worker.state === 'drained';
  const following =
    source &&
    followSettings({
      source,
      current: settings,
      parse,
      async apply(next) {
        if (isLeaving()) return;
        await worker.stop({ restarts: true });
        await startWith(next).catch(async (error: unknown) => {
          await startWith(current).catch(ended.reject);
          throw error;
        });
      },
      log,
      pollMs: options.settingsPollMs,
    });
  const renew = async (): Promise<void> => {
    await reachAge(options.leastAgeMs ?? LEAST_AGE_MS);
    if (isLeaving()) return;
    log.info('People were forgotten: starting again with fresh memory');
    if (canReplaceProcess) await following?.stop();
    await worker.stop({ restarts: true });
    // Signals that came meanwhile are heard first.
    await nextTurn();
    if (isStopping) return;
    if (canReplaceProcess) replaceProcess();
    await startWith(current);
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    await following?.stop();
    await worker.stop();
  };
  const supervisor = supervise({ stop }, log, settings);
  worker.ready.then(
    () => {
      releaseMappedPages();
      supervisor.ready();
    },
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

/** Resolves when this process is old enough, each worker's at a time of its own. */
async function reachAge(leastAgeMs: number): Promise<void> {
  const waitMs = Math.max(0, leastAgeMs - performance.now());
  await delay(waitMs + Math.random() * SPREAD_MS, undefined, { ref: false });
}
