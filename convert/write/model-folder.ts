/**
 * The folder of a converted model as a whole: whether it is intact, and how a new one takes its place
 * at once. Knows file names and digests, not what the files hold.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import {
  FORMAT_VERSION,
  type Manifest,
  manifestSchema,
  modelFiles,
  outputFilesOf,
} from '../../model/format.ts';
import { errorCodeOf } from '../../runtime/errors.ts';
import { sha256OfFile } from '../../runtime/files.ts';
import { OutputError } from '../errors.ts';
import { isDesktopFile, isSystemEntry } from '../gallery/system-entries.ts';
import type { WorkPlaces } from './work-places.ts';

export type FileDigest = Manifest['inputs'][number];

/** @returns undefined where there is no model of this format, or a file of it is missing or damaged */
export async function readIntactManifest(directory: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(directory, manifestSchema);
  if (manifest === undefined) return undefined;
  const digests = new Map(manifest.outputs.map(({ file, sha256 }) => [file, sha256]));
  for (const file of outputFilesOf(manifest)) {
    const actual = await sha256OfFile(join(directory, file)).catch(() => undefined);
    if (actual === undefined || actual !== digests.get(file)) return undefined;
  }
  return manifest;
}

/** @returns what the model in a folder was made from; empty where the folder has no model */
export async function readInputs(directory: string): Promise<readonly FileDigest[]> {
  return (await readManifest(directory, manifestSchema.pick({ inputs: true })))?.inputs ?? [];
}

async function readManifest<Read>(
  directory: string,
  schema: z.ZodType<Read>,
): Promise<Read | undefined> {
  try {
    const text = await readFile(join(directory, modelFiles.manifest), 'utf8');
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Digests what was written and makes the folder a model by writing the manifest. */
export async function writeManifest(
  directory: string,
  described: Omit<Manifest, 'format' | 'outputs'>,
): Promise<void> {
  const outputs: FileDigest[] = [];
  for (const file of outputFilesOf(described)) {
    outputs.push({ file, sha256: await sha256OfFile(join(directory, file)) });
  }
  const manifest: Manifest = { format: FORMAT_VERSION, ...described, outputs };
  await writeFile(join(directory, modelFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** @throws {OutputError} when the folder holds anything that is not a model's, which would be lost */
export async function requireReplaceable(places: WorkPlaces): Promise<void> {
  const { directory } = places;
  const { outputs = [] } = (await readManifest(directory, anyManifestSchema)) ?? {};
  const own = [...Object.values(modelFiles), ...outputs.map(({ file }) => file)];
  const known = new Set(own.flatMap((file) => [file, dirname(file), dirname(dirname(file))]));
  for (const entry of await entriesOf(places)) {
    if (!known.has(entry)) {
      throw new OutputError(
        `${directory} holds ${entry}, which is no part of a converted model, and a conversion ` +
          'replaces the whole folder: name another one with --out.',
      );
    }
  }
}

/** What manifests of every format have: an earlier version may have written the folder. */
const anyManifestSchema = z.object({ outputs: z.array(z.object({ file: z.string() })) });

/** Files and folders by their paths within the output folder; none where it does not exist. */
async function entriesOf(places: WorkPlaces): Promise<string[]> {
  try {
    const entries = await readdir(places.directory, { withFileTypes: true });
    const own = entries.filter(({ name }) => !isPassedOver(name, places));
    const all = own.map(async (entry) => {
      if (!entry.isDirectory()) return [entry.name];
      const below = await readdir(join(places.directory, entry.name), { recursive: true });
      return [entry.name, ...below.map((path) => `${entry.name}/${path.replaceAll('\\', '/')}`)];
    });
    return (await Promise.all(all)).flat();
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw new OutputError(
      `${places.directory} cannot be read as a folder: name another one with --out.`,
      { cause: error },
    );
  }
}

/** Whether an entry of the output folder is neither a model's nor anything of value. */
function isPassedOver(name: string, { inside, directory, ...work }: WorkPlaces): boolean {
  if (!inside) return isDesktopFile(name);
  return isSystemEntry(name) || Object.values(work).some((path) => basename(path) === name);
}

/** An empty folder for the new model, free of what a killed conversion left there. */
export async function makeFreshFolder({ fresh }: WorkPlaces): Promise<string> {
  await rm(fresh, { recursive: true, force: true });
  for (const file of Object.values(modelFiles)) {
    await mkdir(join(fresh, dirname(file)), { recursive: true });
  }
  return fresh;
}

/** Puts the fresh folder in place. A kill between two steps is undone by `restorePrevious`. */
export async function replaceWithFresh(places: WorkPlaces): Promise<void> {
  const { fresh, previous, directory } = places;
  if (places.inside) {
    await exchangeFiles(places);
  } else {
    const hadOne = await moved(directory, previous);
    try {
      await rename(fresh, directory);
    } catch (error) {
      if (hadOne) await rename(previous, directory);
      throw error;
    }
  }
  await rm(previous, { recursive: true, force: true });
}

/**
 * File by file, the manifest first out and last in: without it a folder holds no model, so that no
 * reader takes files of two models for one.
 */
async function exchangeFiles(places: WorkPlaces): Promise<void> {
  const { fresh, previous, directory } = places;
  await mkdir(previous);
  try {
    const old = (await readdir(directory)).filter((name) => !isPassedOver(name, places));
    for (const name of manifestFirst(old)) {
      await rename(join(directory, name), join(previous, name));
    }
    for (const name of manifestFirst(await readdir(fresh)).reverse()) {
      await rename(join(fresh, name), join(directory, name));
    }
  } catch (error) {
    await restorePrevious(places);
    throw error;
  }
}

function manifestFirst(names: readonly string[]): string[] {
  const { manifest } = modelFiles;
  return names.toSorted((a, b) => Number(b === manifest) - Number(a === manifest));
}

/** Call before anything else: brings back the model that a conversion killed at its end had moved. */
export async function restorePrevious({ directory, previous, inside }: WorkPlaces): Promise<void> {
  if (!inside) {
    if (!existsSync(directory)) await moved(previous, directory);
  } else if (!existsSync(join(directory, modelFiles.manifest)) && existsSync(previous)) {
    for (const name of manifestFirst(await readdir(previous)).reverse()) {
      await rm(join(directory, name), { recursive: true, force: true });
      await rename(join(previous, name), join(directory, name));
    }
  }
  await rm(previous, { recursive: true, force: true });
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
