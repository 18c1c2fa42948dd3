/**
 * The user's cache of native libraries. Files are written atomically, checked before each use, and hard-linked
 * into tfjs-node's folder, so that the cache can be deleted later.
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

/** A killed build leaves its folder behind; after this time (ms) no build can still be using it. */
const ABANDONED_AFTER_MS = 6 * 60 * 60 * 1000;
/** Each failed attempt means that another installation succeeded, so a few attempts are enough. */
const PLACING_ATTEMPTS = 20;

/** Paths of the cache and of tfjs-node; tests use their own. */
export interface CachePaths {
  readonly cache: string;
  readonly tfjsNode: string;
}

/**
 * Checks that the cache holds every file as it was written.
 * @throws {NotSetUpYet} when the cache is empty
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
 * Builds the files in a folder of its own, tries them, and moves the folder into the cache. Each installation
 * tries its own build, so that installations at the same time do not depend on each other.
 * @param build writes every file of the native library into the folder it is given
 * @param prove uses the files in that folder; if it fails, nothing is cached
 * @throws {NativeError} when neither the cache nor tfjs-node's folder can be written, and whatever build and
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

/** Beside the cache, to be moved there, or in tfjs-node's folder if the user has no writable home. */
async function makeFreshFolder({ cache, tfjsNode }: CachePaths): Promise<string> {
  const suffix = `${process.pid}-${randomBytes(4).toString('hex')}`;
  for (const fresh of [`${cache}.${suffix}`, join(tfjsNode, `native.${suffix}`)]) {
    const made = await mkdir(fresh, { recursive: true }).catch(() => undefined);
    if (made !== undefined) return fresh;
  }
  throw new NativeError(`neither ${dirname(cache)} nor ${tfjsNode} can be written`);
}

/** A folder cannot replace a full one: the old one is moved aside first, again for each lost race. */
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

/** Deletes what builds that were killed hours ago have left beside the cache: a gigabyte each. */
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

/** Puts the files in `folder` where tfjs-node looks for them, as hard links or, across file systems, copies. */
export async function installFrom(folder: string, tfjsNode: string): Promise<void> {
  await clearInstalled(tfjsNode);
  for (const { cached, installed } of nativeParts) {
    const target = join(tfjsNode, installed);
    await mkdir(dirname(target), { recursive: true });
    await link(join(folder, cached), target).catch(() => copyFile(join(folder, cached), target));
  }
}

/** Deletes what an aborted installation, or a build that does not load, has left. */
export async function clearInstalled(tfjsNode: string): Promise<void> {
  for (const folder of ['deps', 'lib']) {
    await rm(join(tfjsNode, folder), { recursive: true, force: true });
  }
}
