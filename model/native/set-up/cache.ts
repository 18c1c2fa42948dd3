/**
 * The user's cache of built native parts: written whole or not at all, checked before each use, and
 * linked into tfjs-node's folder so that clearing the cache later breaks nothing.
 */
import { randomBytes } from 'node:crypto';
import {
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { sha256OfFile } from '../../../runtime/files.ts';
import { NativeError, NotSetUpYet } from '../../errors.ts';
import { nativeParts } from '../paths.ts';

const CHECKSUMS = 'checksums.json';
const checksumsSchema = z.record(z.string(), z.hex().length(64));

/** A build that was killed leaves its folder; one this old (ms) is nobody's any more. */
const ABANDONED_AFTER_MS = 6 * 60 * 60 * 1000;
/** Each loss to another install means that one got on, so few rounds are enough. */
const PLACING_ATTEMPTS = 20;

/** Where the parts go and from where; tests name their own. */
export interface CachePaths {
  readonly cache: string;
  readonly tfjsNode: string;
}

/**
 * Whether the cache holds every part as it was written.
 * @throws {NotSetUpYet} when there is nothing in it
 * @throws {NativeError} saying what is wrong with it
 */
export async function checkCache(cache: string): Promise<void> {
  let checksums: z.output<typeof checksumsSchema>;
  try {
    checksums = checksumsSchema.parse(JSON.parse(await readFile(join(cache, CHECKSUMS), 'utf8')));
  } catch (cause) {
    throw new NotSetUpYet('it holds no native library yet', { cause });
  }
  for (const { cached } of nativeParts) {
    const digest = await sha256OfFile(join(cache, cached)).catch(() => 'missing');
    if (digest !== checksums[cached]) {
      throw new NativeError(`its ${cached} is damaged`);
    }
  }
}

/**
 * Builds the parts in a folder of their own and, once they are proved, moves it into the cache at once.
 * Each install proves its own build, so that installs at the same time need nothing of each other.
 * @param build writes every native part into the folder it is given
 * @param prove uses the parts in that folder; where it fails nothing is cached
 * @throws {NativeError} when neither the cache nor tfjs-node's folder can be written; what build and
 *   prove throw
 */
export async function fillCache(
  places: CachePaths,
  build: (folder: string) => Promise<void>,
  prove: (folder: string) => Promise<void>,
): Promise<void> {
  const { cache } = places;
  await sweep(cache);
  const fresh = await makeFreshFolder(places);
  try {
    await build(fresh);
    const checksums: Record<string, string> = {};
    for (const { cached } of nativeParts) {
      checksums[cached] = await sha256OfFile(join(fresh, cached));
    }
    await writeFile(join(fresh, CHECKSUMS), `${JSON.stringify(checksums, null, 2)}\n`);
    await prove(fresh);
    if (dirname(fresh) === dirname(cache)) await putInPlace(fresh, cache);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Beside the cache, to be moved there; in tfjs-node's folder where a user has no writable home. */
async function makeFreshFolder({ cache, tfjsNode }: CachePaths): Promise<string> {
  const suffix = `${process.pid}-${randomBytes(4).toString('hex')}`;
  for (const fresh of [`${cache}.${suffix}`, join(tfjsNode, `native.${suffix}`)]) {
    const made = await mkdir(fresh, { recursive: true }).catch(() => undefined);
    if (made !== undefined) return fresh;
  }
  throw new NativeError(`neither ${dirname(cache)} nor ${tfjsNode} can be written`);
}

/** A folder cannot be renamed over a full one: the old one steps aside first, as often as others win. */
async function putInPlace(fresh: string, cache: string): Promise<void> {
  const aside = `${fresh}.old`;
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await rename(fresh, cache);
        return;
      } catch (error) {
        if (!isTaken(error) || attempt === PLACING_ATTEMPTS) throw error;
      }
      await rename(cache, aside).catch(() => {});
      await rm(aside, { recursive: true, force: true });
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

function isTaken(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^(?:ENOTEMPTY|EEXIST)$/.test(`${error.code}`)
  );
}

/** Removes what builds that were killed hours ago have left beside the cache: a gigabyte each. */
async function sweep(cache: string): Promise<void> {
  const entries = await readdir(dirname(cache)).catch(() => []);
  for (const entry of entries) {
    if (!entry.startsWith(`${basename(cache)}.`)) continue;
    const path = join(dirname(cache), entry);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs < ABANDONED_AFTER_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}

/** Puts the parts in `folder` where tfjs-node looks for them: hard links, or copies across file systems. */
export async function installFrom(folder: string, tfjsNode: string): Promise<void> {
  await clearInstalled(tfjsNode);
  for (const { cached, installed } of nativeParts) {
    const target = join(tfjsNode, installed);
    await mkdir(dirname(target), { recursive: true });
    await link(join(folder, cached), target).catch(() => copyFile(join(folder, cached), target));
  }
}

/** Takes away what an install that broke off, or built what does not load, has left. */
export async function clearInstalled(tfjsNode: string): Promise<void> {
  for (const folder of ['deps', 'lib']) {
    await rm(join(tfjsNode, folder), { recursive: true, force: true });
  }
}
