/**
 * The `start` command's work: settings fit for one machine, the stack, and what a person reads while it runs
 * (local/display/). The parts log as JSON into the data folder.
 */
import { createWriteStream } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../runtime/errors.ts';
import { createLogger } from '../runtime/log.ts';
import { stopOnSignals } from '../runtime/process/exit.ts';
import { isSet, readSettings, type Settings, type SettingsInput } from '../runtime/settings.ts';
import { makeFolder } from './data-folder.ts';
import type { Display } from './display/view.ts';
import { startStack } from './stack.ts';

/** Runs until a signal or until a part dies; leaves the process with 0 or 1. */
export async function runStart(flags: SettingsInput): Promise<void> {
  const settings = await withSamples(forThisMachine(readSettings(flags), flags));
  const logFolder = join(settings.LOCAL_DATA_DIR, 'logs');
  makeFolder(logFolder);
  const log = createLogger(
    'local',
    settings.LOG_LEVEL,
    createWriteStream(join(logFolder, 'local.log'), { flags: 'a' }),
  );
  const display = await openDisplay(process.stdout, logFolder);
  const aborting = new AbortController();
  const starting = startStack({
    settings,
    log,
    machine: process.env,
    prepareModel: () => prepareModel(settings, (line) => display.modelSays(line)),
    signal: aborting.signal,
    onReady: (part) => display.partReady(part),
    onInstanceChange: (instance) => display.instanceChanged(instance),
  });
  stopOnSignals(log, async () => {
    display.end();
    display.say('Stopping: requests in flight are answered first …');
    aborting.abort();
    const stack = await starting.catch(() => undefined);
    await stack?.stop();
    display.say('Stopped. Nothing is left running.');
  });

  const stack = await starting.catch((error: unknown) => {
    // Then a signal asked for it, and the handler above ends the process.
    if (aborting.signal.aborted) return new Promise<never>(() => undefined);
    display.end();
    throw error;
  });
  display.ready(stack, settings);
  try {
    await stack.died;
  } catch (error) {
    if (aborting.signal.aborted) return;
    display.end();
    console.error(messageOf(error));
    await stack.stop();
    process.exit(1);
  }
}

/** MAX_INSTANCES defaults to what this machine can run. */
export function forThisMachine(settings: Settings, flags: SettingsInput): Settings {
  if (flags.MAX_INSTANCES !== undefined || isSet('MAX_INSTANCES')) return settings;
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const MAX_INSTANCES = fleetSize({
    cores: availableParallelism(),
    memoryBytes,
    threads: settings.THREADS,
  });
  return { ...settings, MAX_INSTANCES };
}

/** Sample photos make the page livelier, but nothing else needs them: without them the page works too. */
async function withSamples(settings: Settings): Promise<Settings> {
  if (settings.SAMPLES_DIR !== undefined) return settings;
  const { samplesFolder } = await import('../convert/sources/sample-photos.ts');
  const SAMPLES_DIR = await samplesFolder(settings.MODEL_DIR).catch(() => undefined);
  return SAMPLES_DIR === undefined ? settings : { ...settings, SAMPLES_DIR };
}

async function prepareModel(settings: Settings, say: (line: string) => void): Promise<void> {
  const { ensureModel } = await import('../convert/ensure-model.ts');
  await ensureModel(settings, say);
}

/** The live view needs a terminal with cursor control; scripts get plain lines. */
export async function openDisplay(
  stream: NodeJS.WriteStream,
  logFolder: string,
  { CI, TERM }: NodeJS.ProcessEnv = process.env,
): Promise<Display> {
  const isLive = stream.isTTY && !CI && TERM !== 'dumb';
  if (!isLive) return (await import('./display/view.ts')).plainDisplay((line) => console.log(line));
  return (await import('./display/live.ts')).liveDisplay(stream, logFolder);
}

/** A worker and its inference process, resident: 0.6 to 1.0 GB were measured, by engine and graph. */
const WORKER_BYTES = 1024 ** 3;
/** What is left is for the system, the cloud, the web tier and the user's own programs. */
const SHARE_OF_MEMORY = 0.75;
/** The contract: a fleet of one could not show that it grows. */
const LEAST = 2;
/** The contract's largest fleet. */
const MOST = 20;

/**
 * The largest fleet that gains from this machine: more workers than cores only wait for each other,
 * and more than its memory holds make it swap.
 */
export function fleetSize(machine: {
  /** Cores this process may use. */
  cores: number;
  memoryBytes: number;
  /** Threads of one worker's inference. */
  threads: number;
}): number {
  const byCores = Math.floor(machine.cores / machine.threads);
  const byMemory = Math.floor((machine.memoryBytes * SHARE_OF_MEMORY) / WORKER_BYTES);
  return Math.max(LEAST, Math.min(MOST, byCores, byMemory));
}
