/** One piece of work at a time over all processes of a machine. Knows nothing of the work. */
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { ElasticFaceError } from './errors.ts';

const RETRY_MS = 100;

/** Another process has held the lock for longer than the caller can wait. */
export class LockTimeout extends ElasticFaceError {
  constructor(path: string) {
    super('lock', `Another process holds ${path} and does not finish.`);
  }
}

export interface LockOptions {
  /** Called once when another process is at work. */
  readonly onWait?: () => void;
  /** Longest wait, ms; default: without end. */
  readonly patienceMs?: number;
}

/**
 * Waits until no other process holds `path`, then runs `work`. The lock is SQLite's on an empty file:
 * the kernel frees it with its process, so a killed one blocks nobody.
 * @throws {LockTimeout} when the wait is too long; the file system's errors where there can be no lock
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  { onWait = () => {}, patienceMs = Number.POSITIVE_INFINITY }: LockOptions = {},
): Promise<Result> {
  // Here, so that Node 20, which has no SQLite, can load this library for all else.
  const sqlite = await import('node:sqlite');
  const database = new sqlite.DatabaseSync(path, { timeout: 0 });
  const begun = performance.now();
  try {
    let waiting = false;
    while (!tryLock(database)) {
      if (!waiting) onWait();
      waiting = true;
      if (performance.now() - begun > patienceMs) throw new LockTimeout(path);
      await sleep(RETRY_MS);
    }
    return await work();
  } finally {
    database.close();
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

const SQLITE_BUSY = 5;
