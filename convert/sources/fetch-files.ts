/**
 * Fetches published files into the user's cache: from their official homes, else out of packages of the
 * public registries. Looks nowhere on this machine.
 */
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import type { OnProgress } from '../progress.ts';
import { type DownloadProgress, download, SilenceError } from './download.ts';
import type { PublishedFile } from './published-files.ts';
import { type FetchPlaces, hasPackage, unpackFiles } from './registry/package-files.ts';
import { type SilentHomes, silentHomes } from './unreachable-homes.ts';

export interface FetchOptions {
  readonly onProgress?: OnProgress | undefined;
  /** Looks at a downloaded file that has no known identity, before it is kept. */
  readonly check?: ((path: string) => Promise<unknown>) | undefined;
  /** Ask a home too that did not answer a short while ago. */
  readonly askAgain?: boolean | undefined;
}

export interface Fetched {
  /** Paths of the files that could be had. */
  readonly fetched: Map<PublishedFile, string>;
  /** Why a way failed, each once. */
  readonly reasons: readonly string[];
}

export async function fetchFiles(
  files: readonly PublishedFile[],
  places: FetchPlaces,
  options: FetchOptions,
): Promise<Fetched> {
  const fetched = new Map<PublishedFile, string>();
  const reasons = new Set<string>();
  const homes = silentHomes(join(places.cache, 'silent-homes.json'), { ask: options.askAgain });
  for (const file of files) {
    if (file.address === undefined) continue;
    try {
      fetched.set(file, await fetchFromHome(file, file.address, homes, places, options));
    } catch (error) {
      reasons.add(messageOf(error));
    }
  }
  const left = files.filter((file) => !fetched.has(file)).filter(hasPackage);
  try {
    for await (const [file, path] of unpackFiles(left, places, options.onProgress)) {
      fetched.set(file, path);
    }
  } catch (error) {
    reasons.add(messageOf(error));
  }
  return { fetched, reasons: [...reasons] };
}

async function fetchFromHome(
  file: PublishedFile,
  address: string,
  homes: SilentHomes,
  { cache, origin, answerMs }: FetchPlaces,
  { onProgress, check }: FetchOptions,
): Promise<string> {
  const since = await homes.since(origin);
  if (since !== undefined) {
    throw new SilenceError(`${origin} did not answer at ${since.toLocaleTimeString()}.`);
  }
  const target = join(cache, file.names[0]);
  try {
    await download({
      url: `${origin}/${address}`,
      target,
      mostBytes: file.mostBytes,
      identity: file.identity,
      check: file.identity === undefined ? check : undefined,
      answerMs,
      onProgress: (progress) => onProgress?.(described(file.names[0], progress)),
    });
  } catch (error) {
    if (error instanceof SilenceError) await homes.remember(origin);
    throw error;
  }
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
