/**
 * The user's cache of built native parts: written whole or not at all, checked before each use, and
 * linked into tfjs-node's folder so that clearing the cache later breaks nothing.
 */
import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { sha256OfFile } from './digest.ts';
import { NativeError } from './errors.ts';
import { nativeParts } from './places.ts';

const CHECKSUMS = 'checksums.json';
const checksumsSchema = z.record(z.string(), z.hex().length(64));

/** Where the parts go and from where; tests name their own. */
export interface CachePlaces {
  readonly cache: string;
  readonly tfjsNode: string;
}

/**
 * Whether the cache holds every part as it was written.
 * @throws {NativeError} saying what is wrong with it
 */
export async function checkCache(cache: string): Promise<void> {
  let checksums: z.output<typeof checksumsSchema>;
  try {
    checksums = checksumsSchema.parse(JSON.parse(await readFile(join(cache, CHECKSUMS), 'utf8')));
  } catch (cause) {
    throw new NativeError('the cache holds no native library yet', { cause });
  }
  for (const { cached } of nativeParts) {
    const digest = await sha256OfFile(join(cache, cached)).catch(() => 'missing');
    if (digest !== checksums[cached]) {
      throw new NativeError(`${cached} in the cache is damaged; it is built again`);
    }
  }
}

/**
 * Builds the parts in a folder of their own and moves it into the cache at once. When another install
 * was faster, its parts stay.
 * @param build writes every native part into the folder it is given
 */
export async function fillCache(
  cache: string,
  build: (folder: string) => Promise<void>,
): Promise<void> {
  const fresh = `${cache}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(fresh, { recursive: true });
    await build(fresh);
    const checksums: Record<string, string> = {};
    for (const { cached } of nativeParts) {
      checksums[cached] = await sha256OfFile(join(fresh, cached));
    }
    await writeFile(join(fresh, CHECKSUMS), `${JSON.stringify(checksums, null, 2)}\n`);
    await replace(cache, fresh);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function replace(cache: string, fresh: string): Promise<void> {
  const intact = await checkCache(cache).then(
    () => true,
    () => false,
  );
  if (intact) return;
  await rm(cache, { recursive: true, force: true });
  await rename(fresh, cache);
}

/** Puts the cached parts where tfjs-node looks for them: hard links, or copies across file systems. */
export async function installFromCache({ cache, tfjsNode }: CachePlaces): Promise<void> {
  await clearInstalled(tfjsNode);
  for (const { cached, installed } of nativeParts) {
    const target = join(tfjsNode, installed);
    await mkdir(dirname(target), { recursive: true });
    await link(join(cache, cached), target).catch(() => copyFile(join(cache, cached), target));
  }
}

/** Takes away what an install that broke off may have left. */
export async function clearInstalled(tfjsNode: string): Promise<void> {
  for (const folder of ['deps', 'lib']) {
    await rm(join(tfjsNode, folder), { recursive: true, force: true });
  }
}
