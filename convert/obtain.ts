/**
 * Finds published files where they lie, or downloads them into the user's cache. Knows the order of the
 * places, not what the files are.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../runtime/errors.ts';
import { folders } from '../runtime/folders.ts';
import { isPackaged, packageFolder } from '../runtime/installation.ts';
import { type DownloadProgress, download } from './download.ts';
import { CheckpointError } from './errors.ts';
import type { OnProgress } from './progress.ts';
import { GITHUB, type PublishedFile } from './published-files.ts';

export interface Places {
  /** Beside the checkout, or the folder that the installed program runs in: several can share it. */
  readonly shared: string;
  /** Where downloads go. */
  readonly cache: string;
  /** What the files' addresses begin with. */
  readonly origin: string;
}

export const usualPlaces: Places = {
  shared: join(isPackaged ? process.cwd() : packageFolder, '../shared'),
  cache: join(folders.cache, 'model-data'),
  origin: GITHUB,
};

export interface ObtainOptions {
  /** A folder that a person named: looked into first, flat or with the groups as sub-folders. */
  readonly named?: string | undefined;
  readonly places?: Places | undefined;
  /** What is not on this machine is missing. */
  readonly offline?: boolean | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Looks at a downloaded file that has no known identity, before it is kept. */
  readonly check?: ((path: string) => Promise<unknown>) | undefined;
}

/**
 * @returns the path of each file, by its key
 * @throws {CheckpointError} when the named folder has none of them, or one is nowhere and cannot be
 *   downloaded: says which, and where to put it by hand
 */
export async function obtain<Key extends string>(
  files: Readonly<Record<Key, PublishedFile>>,
  options: ObtainOptions = {},
): Promise<Record<Key, string>> {
  const { named, places = usualPlaces } = options;
  const keys = Object.keys(files) as Key[];
  if (named !== undefined) await requireAnyIn(named, Object.values(files));
  const lookedInto = [...(named === undefined ? [] : [named]), places.shared, places.cache];
  const found = new Map<Key, string>();
  for (const key of keys) {
    const path = lookedInto.map((folder) => findIn(folder, files[key])).find((at) => at);
    if (path !== undefined) found.set(key, path);
  }
  const missing = keys.filter((key) => !found.has(key));
  for (const [index, key] of missing.entries()) {
    try {
      if (options.offline) throw new CheckpointError('Nothing was to be downloaded.');
      found.set(key, await fetchOne(files[key], places, options));
    } catch (cause) {
      const left = missing.slice(index).map((other) => files[other]);
      throw new CheckpointError(byHand(left, lookedInto, places, messageOf(cause)), { cause });
    }
  }
  return Object.fromEntries(found) as Record<Key, string>;
}

function findIn(folder: string, { names, group }: PublishedFile): string | undefined {
  return names
    .flatMap((name) => [join(folder, name), join(folder, group, name)])
    .find((path) => existsSync(path));
}

async function requireAnyIn(folder: string, files: readonly PublishedFile[]): Promise<void> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    throw new CheckpointError(`${folder} is not a folder: name one that holds the checkpoints.`);
  }
  if (!files.some((file) => findIn(folder, file))) {
    const names = files.map(({ names }) => names[0]).join(', ');
    throw new CheckpointError(`${folder} holds none of the files that are needed: ${names}.`);
  }
}

async function fetchOne(
  file: PublishedFile,
  { cache, origin }: Places,
  { onProgress, check }: ObtainOptions,
): Promise<string> {
  const target = join(cache, file.names[0]);
  await download({
    url: `${origin}/${file.address}`,
    target,
    mostBytes: file.mostBytes,
    identity: file.identity,
    check: file.identity === undefined ? check : undefined,
    onProgress: (progress) => onProgress?.(described(file.names[0], progress)),
  });
  return target;
}

const MEGABYTE = 1e6;

function described(name: string, { received, total, secondsLeft }: DownloadProgress) {
  const megabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(1);
  const size =
    total === undefined ? megabytes(received) : `${megabytes(received)} of ${megabytes(total)}`;
  const left = secondsLeft === undefined ? '' : `, ${Math.ceil(secondsLeft)} s left`;
  return {
    stage: 'download',
    detail: `${name}, ${size} MB${left}`,
    ...(total === undefined ? {} : { share: Math.min(1, received / total) }),
  } as const;
}

function byHand(
  files: readonly PublishedFile[],
  lookedInto: readonly string[],
  { cache, origin }: Places,
  reason: string,
): string {
  const list = files.map(({ names, address }) => `  ${names[0]} from ${origin}/${address}`);
  return [
    `Model data is missing. ${reason}`,
    `It is not in ${lookedInto.join(', ')}. Check the network, or put these files by hand into ${cache}`,
    'or into a folder that FACE_CHECKPOINTS or --checkpoints names:',
    ...list,
  ].join('\n');
}
