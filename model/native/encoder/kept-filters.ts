/**
 * The files of encoders' filters as the own kernels read them, in the user's cache. All processes of a machine map
 * them: the first one writes them after its first faces, later ones open without rearranging weights. A file
 * belongs to one model, one build of the kernels and one set of instructions.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { folders } from '../../../runtime/folders.ts';
import { ownAddonPath } from '../own-addons.ts';

/** The newest files, which stay: two precisions of a model and of the one before. */
const MOST_FILES = 6;
/** ms without a write after which the process that wrote a part of a file must have been killed. */
const PART_MS = 60_000;

/**
 * @param weights the hash of the model's file
 * @param plan in the order in which the kernels read it
 * @param ways whatever else decides how filters are arranged
 * @returns undefined where the cache cannot be written
 */
export function keptFiltersPath(
  weights: string,
  plan: Int32Array,
  ways: readonly boolean[],
  cache: string = folders.cache,
): string | undefined {
  const folder = join(cache, 'filters');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const key = createHash('sha256')
      .update(weights)
      .update(plan)
      .update(ways.join())
      .update(readFileSync(ownAddonPath('encoder')));
    return join(folder, key.digest('hex').slice(0, 32));
  } catch {
    return undefined;
  }
}

/** Removes all but the newest files and `path`. A process that maps one keeps its pages. */
export function removeOldFilters(path: string): void {
  const whole = filesBeside(path).filter(({ file }) => file !== path && !isPart(file));
  whole.sort((one, other) => other.at - one.at);
  for (const { file } of whole.slice(MOST_FILES - 1)) removeFile(file);
}

/** Removes parts of files, of any model, that processes left when they were killed. */
export function removeLeftParts(path: string): void {
  const oldest = Date.now() - PART_MS;
  for (const { file, at } of filesBeside(path)) if (isPart(file) && at < oldest) removeFile(file);
}

/** A part's name is the file's with a suffix. */
function isPart(file: string): boolean {
  return extname(file) !== '';
}

/** Other processes may remove files meanwhile. */
function filesBeside(path: string): { readonly file: string; readonly at: number }[] {
  const folder = dirname(path);
  try {
    return readdirSync(folder).flatMap((name) => {
      const file = join(folder, name);
      const status = statSync(file, { throwIfNoEntry: false });
      return status === undefined ? [] : [{ file, at: status.mtimeMs }];
    });
  } catch {
    return [];
  }
}

function removeFile(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It may belong to another user.
  }
}
