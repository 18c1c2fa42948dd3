/**
 * Where a conversion works until its model replaces the one in the output folder: beside that folder
 * where it can be renamed, inside it where it cannot, as with a mounted volume. Knows no model file.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readlink, realpath, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCodeOf, messageOf } from '../../runtime/errors.ts';
import { OutputError } from '../errors.ts';

export interface WorkPlaces {
  /** The output folder, links followed. */
  readonly directory: string;
  /** Whether the others lie inside it. */
  readonly inside: boolean;
  readonly lock: string;
  /** The model that is being made. */
  readonly fresh: string;
  /** The model that is being replaced. */
  readonly previous: string;
}

/**
 * Finds out by trying, before any work is done: the folder is not changed.
 * @throws {OutputError} where no model can be written, with the reason and what to do
 */
export async function findWorkPlaces(directory: string): Promise<WorkPlaces> {
  const target = await followLinks(resolve(directory));
  const beside = besideOf(target);
  try {
    await mkdir(dirname(target), { recursive: true });
    if (await canBeRenamed(target)) return beside;
  } catch (error) {
    throw outputErrorOf(target, error);
  }
  const inside = insideOf(target);
  try {
    await rm(await mkdtemp(join(target, '.trial-')), { recursive: true });
    return inside;
  } catch (error) {
    throw outputErrorOf(target, error);
  }
}

/** The work places of a folder that can be renamed. */
export function besideOf(directory: string): WorkPlaces {
  const beside = (suffix: string) => join(dirname(directory), `.${basename(directory)}.${suffix}`);
  return {
    directory,
    inside: false,
    lock: beside('lock'),
    fresh: beside('converting'),
    previous: beside('previous'),
  };
}

/** The work places of a mounted folder, or one whose parent cannot be written. */
export function insideOf(directory: string): WorkPlaces {
  const inside = (name: string) => join(directory, `.${name}`);
  return {
    directory,
    inside: true,
    lock: inside('lock'),
    fresh: inside('converting'),
    previous: inside('previous'),
  };
}

/** A link is kept: the model belongs into the folder that it leads to. */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const to = await readlink(path).catch(() => undefined);
    if (to === undefined) return path;
    throw new OutputError(
      `${path} is a link to ${to}, which cannot be reached (${messageOf(error)}): make that folder, or name another one with --out.`,
      { cause: error },
    );
  }
}

/** What a rename says of a folder that is in use as a mount point, on another disk, or not this user's. */
const NOT_RENAMED: ReadonlySet<string> = new Set(['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS']);
/** What it says when only the target stands in its way. */
const TARGET_NOT_EMPTY: ReadonlySet<string> = new Set(['ENOTEMPTY', 'EEXIST']);

/**
 * Renames the folder onto one that is not empty, which is never done but says whether it could be.
 * A folder that does not exist yet only needs a parent that takes one.
 */
async function canBeRenamed(directory: string): Promise<boolean> {
  let trial: string | undefined;
  try {
    trial = await mkdtemp(join(dirname(directory), `.${basename(directory)}.trial-`));
    await mkdir(join(trial, 'full'));
    await rename(directory, trial);
    throw new Error(`${directory} was renamed onto ${trial}, which is not empty.`);
  } catch (error) {
    const code = errorCodeOf(error) ?? '';
    if (TARGET_NOT_EMPTY.has(code) || (code === 'ENOENT' && trial !== undefined)) return true;
    if (NOT_RENAMED.has(code) && existsSync(directory)) return false;
    throw error;
  } finally {
    if (trial !== undefined) await rm(trial, { recursive: true, force: true });
  }
}

/**
 * @param bytes that the new model takes, while the one before it is still there
 * @throws {OutputError} when the disk has less
 */
export async function requireFreeSpace({ directory, fresh }: WorkPlaces, bytes: number) {
  const { bavail, bsize, blocks } = await statfs(dirname(fresh));
  const free = bavail * bsize;
  // A file system that does not count its blocks says 0 of 0.
  if (blocks === 0 || free >= bytes) return;
  const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`;
  throw new OutputError(
    `The disk of ${directory} has ${megabytes(free)} free and the model takes ${megabytes(bytes)}: ` +
      'make room, or name another folder with --out.',
  );
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there: set its permissions',
  EPERM: 'this user may not write there: set its permissions',
  EROFS: 'the disk is read-only: mount it for writing',
  ENOSPC: 'the disk is full: make room',
  EDQUOT: 'this user’s disk quota is used up: make room',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a part of the path is a file',
  ENAMETOOLONG: 'the path is too long',
};

/** What the file system refused, as a sentence. */
export function outputErrorOf(directory: string, error: unknown): OutputError {
  if (error instanceof OutputError) return error;
  const reason = REASONS[errorCodeOf(error) ?? ''] ?? messageOf(error);
  return new OutputError(
    `The model cannot be written into ${directory}: ${reason}, or name another folder with --out.`,
    { cause: error },
  );
}
