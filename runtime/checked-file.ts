/**
 * Remembers on the disk that the content of a large file was checked, so that the other processes of the machine,
 * and later ones, need not read all of it again. A note counts until the file is changed in any way or the
 * machine starts again: after a crash, files are read again.
 */
import { randomUUID } from 'node:crypto';
import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Files' times are counted in steps of up to 10 ms: a change within the same step would not show. */
const STEP_MS = 20;
/** Group or others may write. */
const FOREIGN_WRITES = 0o022n;

/** The note beside a file; must be deleted with it. */
export const notePath = (path: string): string => `${path}.checked`;

/**
 * Checks a file's content unless that was done since the machine started.
 * @param content what it must hold, e.g. its SHA-256
 * @param check reads the file; false when it holds something else
 * @returns whether the file holds it
 */
export async function checkOnce(
  path: string,
  content: string,
  check: () => Promise<boolean>,
): Promise<boolean> {
  const state = await stateOf(path, content);
  if (state !== undefined && (await isNoted(path, state))) return true;
  if (!(await check())) return false;
  await note(path, content, state);
  return true;
}

/** For a process that has just written the file from content that it had checked. */
export async function noteChecked(path: string, content: string): Promise<void> {
  await note(path, content, await stateOf(path, content));
}

async function note(path: string, content: string, state: string | undefined): Promise<void> {
  const file = await lstat(path).catch(() => undefined);
  if (state === undefined || file === undefined) return;
  const age = Date.now() - file.ctimeMs;
  if (age < STEP_MS) await delay(Math.min(STEP_MS - age, STEP_MS));
  if ((await stateOf(path, content)) !== state) return;
  const fresh = `${notePath(path)}.${randomUUID()}`;
  try {
    await writeFile(fresh, state, { mode: 0o600, flag: 'wx' });
    await rename(fresh, notePath(path));
  } catch {
    // A full or read-only disk: the file is checked again next time.
    await rm(fresh, { force: true }).catch(() => {});
  }
}

async function isNoted(path: string, state: string): Promise<boolean> {
  try {
    const own = await lstat(notePath(path), { bigint: true });
    return isPrivate(own) && (await readFile(notePath(path), 'utf8')) === state;
  } catch {
    return false;
  }
}

/**
 * What changes with the file's content: nobody but the system sets `ctime`.
 * @returns undefined where that could not be relied upon
 */
async function stateOf(path: string, content: string): Promise<string | undefined> {
  const boot = await bootId();
  const file = await lstat(path, { bigint: true }).catch(() => undefined);
  if (boot === undefined || file === undefined || !isPrivate(file)) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = file;
  return [content, boot, dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Whether it is a file that only this user, or root, could have written. */
function isPrivate(file: { isFile(): boolean; uid: bigint; mode: bigint }): boolean {
  const user = process.getuid?.();
  return file.isFile() && file.uid === BigInt(user ?? -1) && (file.mode & FOREIGN_WRITES) === 0n;
}

let boot: Promise<string | undefined> | undefined;

/** Of the machine's last start; undefined outside Linux. */
function bootId(): Promise<string | undefined> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim() || undefined,
    () => undefined,
  );
  return boot;
}
