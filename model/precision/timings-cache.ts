/**
 * Caches timings in the user's cache, one file per machine, shared by all processes. Files are written
 * atomically; a damaged one, or one of another machine, counts as absent.
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

/** ms: a trial takes a fifth of a second, and much longer on an overloaded processor. */
const MAX_WAIT_MS = 20_000;

/**
 * The cached timings of this machine, or else what `measure` returns, which is then cached. If several
 * processes need them at once, one measures and the others wait. If the cache cannot be written, each measures.
 * @throws what `measure` throws
 */
export async function cachedTimings(
  machine: TrialMachine,
  measure: () => TrialTimes,
  cache: string = folders.cache,
): Promise<TrialTimings> {
  const path = timingsPath(machine, cache);
  const cached = await readCached(path, machine);
  if (cached !== undefined) return cached;
  return underLock(path, async () => {
    const others = await readCached(path, machine);
    if (others !== undefined) return others;
    const timings = { machine, ...measure() };
    await store(path, timings).catch(() => {}); // Measured again at the next start.
    return timings;
  });
}

function timingsPath(machine: TrialMachine, cache: string): string {
  const key = createHash('sha256').update(trialMachineKey(machine)).digest('hex').slice(0, 16);
  return join(cache, 'trials', `${key}.json`);
}

async function readCached(path: string, machine: TrialMachine): Promise<TrialTimings | undefined> {
  try {
    const timings = trialTimingsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return isSameTrialMachine(timings.machine, machine) ? timings : undefined;
  } catch {
    return undefined;
  }
}

async function store(path: string, timings: TrialTimings): Promise<void> {
  const fresh = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(fresh, `${JSON.stringify(timings, null, 2)}\n`);
    await rename(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
}

/** Runs the work under a lock. If there can be no lock, or its holder hangs, runs it without. */
async function underLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  let done: Promise<Result> | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    await withLock(join(dirname(path), 'lock'), () => (done = work()), { patienceMs: MAX_WAIT_MS });
  } catch {
    // An error of the work itself is thrown below.
  }
  return done ?? work();
}
