/** A lock across all processes of a machine. Knows nothing about the work. */
import { closeSync, openSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorClass, errorCodeOf } from './errors.ts';

const RETRY_MS = 100;

/** Another process has held the lock for longer than the caller can wait. */
export class LockTimeout extends errorClass('lock') {
  constructor(path: string) {
    super(`Another process holds the lock ${path} and does not release it.`);
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
 * the kernel frees it with its process, so a killed process blocks no other. The file is removed afterwards.
 * @throws {LockTimeout} when the wait is too long; the file system's errors where there can be no lock
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  { onWait = () => {}, patienceMs = Number.POSITIVE_INFINITY }: LockOptions = {},
): Promise<Result> {
  const begun = performance.now();
  let waiting = false;
  const wait = async () => {
    if (!waiting) onWait();
    waiting = true;
    if (performance.now() - begun > patienceMs) throw new LockTimeout(path);
    await sleep(RETRY_MS);
  };
  const database = await take(path, wait);
  try {
    return await work();
  } finally {
    // Before the lock is freed: afterwards the file may be another process's.
    await rm(path, { force: true }).catch(() => undefined);
    database.close();
  }
}

/**
 * Locks the file at `path`. Its last holder removes it, so a lock counts only if the file that was
 * opened is still the one at that path: a lock on a removed file keeps no other process out.
 */
async function take(path: string, wait: () => Promise<void>): Promise<DatabaseSync> {
  // Here, so that Node 20, which has no SQLite, can load this library for all else.
  const sqlite = await import('node:sqlite');
  for (;;) {
    makeFile(path);
    const before = await inodeOf(path);
    const database = new sqlite.DatabaseSync(path, { timeout: 0 });
    // While it is open, no new file gets its inode.
    const isThere = async () => before !== undefined && (await inodeOf(path)) === before;
    let held = false;
    try {
      let locked = false;
      while (!locked && (await isThere())) {
        locked = tryLock(database);
        if (!locked) await wait();
      }
      held = locked && (await isThere());
      if (held) return database;
    } catch (error) {
      // SQLite itself may find that its file is gone.
      if (error instanceof LockTimeout || (await isThere())) throw error;
    } finally {
      if (!held) database.close();
    }
  }
}

/**
 * SQLite does not say why it cannot make a file. An existing one is never opened here: closing it would
 * free this process's locks on it.
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx'));
  } catch (error) {
    if (errorCodeOf(error) !== 'EEXIST') throw error;
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found?.ino;
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
