/**
 * Keeps timings in the user's cache, a file for each machine they hold for: read by every process, written
 * whole or not at all. What is damaged or of another machine counts as absent. Knows no engine.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { folders } from '../../runtime/folders.ts';
import { withLock } from '../../runtime/lock.ts';
import {
  isSameTrialMachine,
  type TrialMachine,
  type TrialTimes,
  type TrialTimings,
  trialMachineKey,
  trialTimingsSchema,
} from './timings.ts';

/** ms: a trial takes a fifth of a second, much longer where the processor is overloaded. */
const PATIENCE_MS = 20_000;

/**
 * What is kept for this machine; else what `measure` finds, which is then kept. Of several processes at
 * once one measures and the others wait for it. Where the cache cannot be written, each measures.
 * @throws what `measure` throws
 */
export async function cachedTimings(
  machine: TrialMachine,
  measure: () => TrialTimes,
  cache: string = folders.cache,
): Promise<TrialTimings> {
  const path = timingsPath(machine, cache);
  const kept = await readKept(path, machine);
  if (kept !== undefined) return kept;
  return alone(path, async () => {
    const others = await readKept(path, machine);
    if (others !== undefined) return others;
    const timings = { machine, ...measure() };
    await keep(path, timings).catch(() => {}); // Measured again at the next start.
    return timings;
  });
}

function timingsPath(machine: TrialMachine, cache: string): string {
  const key = createHash('sha256').update(trialMachineKey(machine)).digest('hex').slice(0, 16);
  return join(cache, 'trials', `${key}.json`);
}

async function readKept(path: string, machine: TrialMachine): Promise<TrialTimings | undefined> {
  try {
    const timings = trialTimingsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return isSameTrialMachine(timings.machine, machine) ? timings : undefined;
  } catch {
    return undefined;
  }
}

async function keep(path: string, timings: TrialTimings): Promise<void> {
  const fresh = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(fresh, `${JSON.stringify(timings, null, 2)}\n`);
    await rename(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
}

/** Where there can be no lock, or its holder hangs, the work is done without. */
async function alone<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  let done: Promise<Result> | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    await withLock(join(dirname(path), 'lock'), () => (done = work()), { patienceMs: PATIENCE_MS });
  } catch {
    // What the work itself threw is thrown below.
  }
  return done ?? work();
}
