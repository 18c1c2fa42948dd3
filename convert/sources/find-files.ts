/**
 * Finds published files where they lie, else has them fetched into the user's cache. Knows the order of
 * the places, not what the files are.
 */
import { join } from 'node:path';
import { folders } from '../../runtime/folders.ts';
import { isPackaged, packageFolder } from '../../runtime/installation.ts';
import { type FetchOptions, fetchFiles } from './fetch-files.ts';
import { MissingFilesError } from './missing-files.ts';
import { findIn, requireAnyIn } from './named-folder.ts';
import { GITHUB, type PublishedFile } from './published-files.ts';
import { fetchArchive } from './registry/package-archive.ts';
import type { FetchPlaces } from './registry/package-files.ts';

export interface Places extends FetchPlaces {
  /** Beside the checkout, or the folder that the installed program runs in: several can share it. */
  readonly shared: string;
}

export const usualPlaces: Places = {
  shared: join(isPackaged ? process.cwd() : packageFolder, '../shared'),
  cache: join(folders.cache, 'model-data'),
  origin: GITHUB,
  registries: fetchArchive,
};

export interface FindFilesOptions extends FetchOptions {
  /** A folder that a person named: looked into first, flat or with the groups as sub-folders. */
  readonly named?: string | undefined;
  /** Files of which the named folder must hold at least one. Default: those that are wanted. */
  readonly expected?: readonly PublishedFile[] | undefined;
  readonly places?: Places | undefined;
  /** What is not on this machine is missing. */
  readonly offline?: boolean | undefined;
}

/**
 * @returns the path of each file, by its key
 * @throws {CheckpointError} when the named folder has none of them
 * @throws {MissingFilesError} when one is nowhere and cannot be downloaded: says which, and where to put
 *   it by hand
 */
export async function findFiles<Key extends string>(
  files: Readonly<Record<Key, PublishedFile>>,
  options: FindFilesOptions = {},
): Promise<Record<Key, string>> {
  const { named, places = usualPlaces } = options;
  const keys = Object.keys(files) as Key[];
  if (named !== undefined) {
    await requireAnyIn(named, options.expected ?? Object.values(files));
  }
  const lookedInto = [...(named === undefined ? [] : [named]), places.shared, places.cache];
  const found = new Map<Key, string>();
  for (const key of keys) {
    const path = lookedInto.map((folder) => findIn(folder, files[key])).find((at) => at);
    if (path !== undefined) found.set(key, path);
  }
  const wanted = keys.filter((key) => !found.has(key)).map((key) => files[key]);
  const { fetched, reasons } = options.offline
    ? { fetched: new Map<PublishedFile, string>(), reasons: ['Nothing was to be downloaded.'] }
    : await fetchFiles(wanted, places, options);
  const missing = wanted.filter((file) => !fetched.has(file));
  if (missing.length > 0) throw new MissingFilesError({ missing, reasons, lookedInto, places });
  return Object.fromEntries(
    keys.map((key) => [key, found.get(key) ?? fetched.get(files[key])]),
  ) as Record<Key, string>;
}
