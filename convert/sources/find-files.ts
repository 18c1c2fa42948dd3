/**
 * Finds published files where they lie (in the folder that a person names, which files of it may have been
 * meant, and in the usual places), else has them fetched into the user’s cache; says of missing ones where
 * they are published and where to put them.
 */

import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { folders } from '../../runtime/folders.ts';
import { isPackaged, packageFolder } from '../../runtime/installation.ts';
import { CheckpointError } from '../errors.ts';
import { type FetchOptions, fetchFiles } from './fetch-files.ts';
import { GITHUB, type PublishedFile } from './published-files.ts';
import { fetchArchive } from './registry/package-archive.ts';
import type { FetchPlaces } from './registry/package-files.ts';
import { describePackage } from './registry/packages.ts';

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

/** @returns the path of the file under one of its names, flat or in its group's sub-folder */
function findIn(folder: string, { names, group }: PublishedFile): string | undefined {
  return names
    .flatMap((name) => [join(folder, name), join(folder, group, name)])
    .find((path) => existsSync(path));
}

/** @throws {CheckpointError} when it is no folder, or has none of the files */
async function requireAnyIn(folder: string, files: readonly PublishedFile[]): Promise<void> {
  await requireFolder(folder);
  if (files.some((file) => findIn(folder, file))) return;
  const names = files.map(({ names }) => names[0]).join(', ');
  throw new CheckpointError(`${folder} holds none of the files that are needed: ${names}.`);
}

async function requireFolder(folder: string): Promise<void> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return;
  throw new CheckpointError(`${folder} is not a folder: name one that holds the checkpoints.`);
}

/** Endings that weights are kept under. */
const WEIGHTS = /\.(?:pt|pth|ckpt|safetensors|pkl|bin|onnx|h5|npz)(?:\.tar)?$/i;

/**
 * A file of weights whose name is not known may be the one that is meant: another is not taken in its
 * place.
 * @param wanted files of weights that a model is made from
 * @param known every file whose name means something
 * @throws {CheckpointError} when the folder lacks one of `wanted`, and has weights of other names
 */
export async function requireKnownNames(
  folder: string,
  wanted: readonly PublishedFile[],
  known: readonly PublishedFile[],
): Promise<void> {
  await requireFolder(folder);
  const missing = wanted.filter((file) => findIn(folder, file) === undefined);
  const [first] = missing;
  if (first === undefined) return;
  const names = new Set(known.flatMap((file) => file.names));
  const groups = new Set(wanted.map(({ group }) => group));
  const others: string[] = [];
  for (const at of ['', ...groups]) {
    const entries = await readdir(join(folder, at)).catch(() => []);
    others.push(...entries.filter((name) => WEIGHTS.test(name) && !names.has(name)));
  }
  if (others.length === 0) return;
  const shortest = (file: PublishedFile) =>
    file.names.reduce((best, name) => (name.length < best.length ? name : best));
  throw new CheckpointError(
    `${folder} has no ${missing.map(shortest).join(', no ')}, but ${others.join(', ')}: ` +
      `if that is meant, name it ${missing.map(shortest).join(' or ')}, and add --any-weights where it is ` +
      'not the published one; else take it out of that folder.',
  );
}

/** A sentence on what was found elsewhere than in the folder that was named; undefined where nothing was. */
export function takenFromElsewhere(folder: string, paths: readonly string[]): string | undefined {
  const elsewhere = paths.filter((path) => !path.startsWith(join(folder, '/')));
  if (elsewhere.length === 0) return undefined;
  const places = Map.groupBy(elsewhere, dirname);
  const taken = [...places].map(([place, files]) => {
    const names = files.map((path) => path.slice(place.length + 1));
    return `${names.join(', ')} from ${place}`;
  });
  return `Not everything is in ${folder}: taken ${taken.join('; ')}.`;
}

export interface Search {
  readonly missing: readonly PublishedFile[];
  /** Why each way to them failed. */
  readonly reasons: readonly string[];
  /** Folders. */
  readonly lookedInto: readonly string[];
  readonly places: FetchPlaces;
}

export class MissingFilesError extends CheckpointError {
  readonly search: Search;

  constructor(search: Search, options?: ErrorOptions) {
    super(byHand(search), options);
    this.search = search;
  }

  /** The same, with the reasons of a second way that failed too. */
  with(reasons: readonly string[]): MissingFilesError {
    const all = new Set([...this.search.reasons, ...reasons]);
    return new MissingFilesError({ ...this.search, reasons: [...all] }, { cause: this });
  }
}

function byHand({ missing, reasons, lookedInto, places: { cache, origin } }: Search): string {
  return [
    `Model data is missing. ${reasons.join('\n')}`,
    `It is not in ${lookedInto.join(', ')}. Check the network, or put these files by hand into ${cache}`,
    'or into a folder that FACE_CHECKPOINTS or --checkpoints names:',
    ...missing.map((file) => `  ${file.names[0]} from ${whereFrom(file, origin)}`),
  ].join('\n');
}

/** Its address, its package, or both. */
export function whereFrom({ address, packaged }: PublishedFile, origin: string): string {
  return [
    ...(address === undefined ? [] : [`${origin}/${address}`]),
    ...(packaged === undefined ? [] : [`${packaged.member} in ${describePackage(packaged.from)}`]),
  ].join(' or ');
}
