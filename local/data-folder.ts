/**
 * One stack per data folder: a lock that the operating system releases when its holder dies, so
 * that no stale one is left by a kill -9. Knows nothing about what is in the folder.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LocalCloudError } from './endpoint.ts';

export interface DataFolder {
  readonly path: string;
  release(): void;
}

/**
 * Makes the folder where it is missing and takes it for this process.
 * @throws {LocalCloudError} naming the process that has it
 */
export function takeDataFolder(path: string): DataFolder {
  makeFolder(path);
  const holder = join(path, 'holder.pid');
  const lock = new DatabaseSync(join(path, 'lock.sqlite'), { timeout: 0 });
  try {
    // SQLite's own file lock, held by an open transaction that writes nothing.
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new LocalCloudError(
      `The data folder ${path} is in use by process ${pidIn(holder)}. Stop that stack, or set LOCAL_DATA_DIR to another folder.`,
      { cause },
    );
  }
  writeFileSync(holder, `${process.pid}\n`);
  return {
    path,
    release() {
      lock.exec('ROLLBACK');
      lock.close();
    },
  };
}

function pidIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

/** @throws {LocalCloudError} naming the setting when a folder of the local cloud cannot be made */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new LocalCloudError(
      `The folder ${path} cannot be made: set LOCAL_DATA_DIR to a folder you may write.`,
      { cause },
    );
  }
}
