/**
 * The files of encoders' filters as the own kernels read them, in the user's cache. All processes of a machine map
 * them: the first one writes them after its first faces, later ones open without rearranging weights. A file
 * belongs to one model, one build of the kernels and one set of instructions.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { folders } from '../../../runtime/folders.ts';
import { ownAddonPath } from '../own-addons.ts';

/** The newest files, which stay: two precisions of a model and of the one before. */
const MOST_FILES = 6;

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

/** Removes old files, and parts that processes left when they were killed. A process that maps one keeps its pages. */
export function removeOldFilters(path: string): void {
  const folder = join(path, '..');
  try {
    const files = readdirSync(folder)
      .map((file) => join(folder, file))
      .filter((file) => file !== path)
      .map((file) => ({ file, at: statSync(file).mtimeMs }));
    files.sort((one, other) => other.at - one.at);
    for (const { file } of files.slice(MOST_FILES - 1)) rmSync(file, { force: true });
  } catch {
    // Another process removes them.
  }
}
