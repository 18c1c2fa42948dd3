/** One conversion of a folder at a time, over all processes. Knows nothing of what is converted. */
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 100;

/**
 * Waits until no other process holds `path`, then runs `work`. The lock is SQLite's on an empty file:
 * the kernel frees it with its process, so a killed conversion blocks nobody.
 * @param onWait called once when another process is at work
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  onWait: () => void = () => {},
): Promise<Result> {
  // Here, so that Node 20, which has no SQLite, can load this library for all else.
  const sqlite = await import('node:sqlite');
  const database = new sqlite.DatabaseSync(path, { timeout: 0 });
  try {
    let waiting = false;
    while (!tryLock(database)) {
      if (!waiting) onWait();
      waiting = true;
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
