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
} from '../model/format.ts';
import { sha256OfFile } from '../runtime/digest.ts';
import { ElasticFaceError } from '../runtime/errors.ts';

export type FileDigest = Manifest['inputs'][number];

/** The output folder cannot be used. */
export class OutputError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('output', message, options);
  }
}

/** Folders and the lock that belong to converting into `directory`, all beside it. */
export function workPlaces(directory: string) {
  const beside = (suffix: string) => join(dirname(directory), `.${basename(directory)}.${suffix}`);
  return { lock: beside('lock'), fresh: beside('converting'), previous: beside('previous') };
}

/** @returns undefined where there is no model of this format, or a file of it is missing or damaged */
export async function readIntactManifest(directory: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(directory, manifestSchema);
  if (manifest === undefined) return undefined;
  const digests = new Map(manifest.outputs.map(({ file, sha256 }) => [file, sha256]));
  for (const file of outputFilesOf(manifest.encoder)) {
    const actual = await sha256OfFile(join(directory, file)).catch(() => undefined);
    if (actual === undefined || actual !== digests.get(file)) return undefined;
  }
  return manifest;
}

/** @returns what the model in a folder was made from; empty where there is none */
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
  for (const file of outputFilesOf(described.encoder)) {
    outputs.push({ file, sha256: await sha256OfFile(join(directory, file)) });
  }
  const manifest: Manifest = { format: FORMAT_VERSION, ...described, outputs };
  await writeFile(join(directory, modelFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** @throws {OutputError} when the folder holds anything that is not a model's, which would be lost */
export async function requireReplaceable(directory: string): Promise<void> {
  const { outputs = [] } = (await readManifest(directory, anyManifestSchema)) ?? {};
  const own = [...Object.values(modelFiles), ...outputs.map(({ file }) => file)];
  const known = new Set(own.flatMap((file) => [file, dirname(file), dirname(dirname(file))]));
  for (const entry of await entriesOf(directory)) {
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

/** Files and non-empty folders, by their paths within `directory`; none where it does not exist. */
async function entriesOf(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory, { recursive: true })).map((path) =>
      path.replaceAll('\\', '/'),
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new OutputError(`${directory} cannot be read as a folder: name another one with --out.`, {
      cause: error,
    });
  }
}

/** An empty folder beside `directory`, free of what a killed conversion left there. */
export async function makeFreshFolder(directory: string): Promise<string> {
  const { fresh } = workPlaces(directory);
  await rm(fresh, { recursive: true, force: true });
  for (const file of Object.values(modelFiles)) {
    await mkdir(join(fresh, dirname(file)), { recursive: true });
  }
  return fresh;
}

/** Puts the fresh folder in place. Killed between the two steps, `restorePrevious` undoes the first. */
export async function replaceWithFresh(directory: string): Promise<void> {
  const { fresh, previous } = workPlaces(directory);
  const hadOne = await moved(directory, previous);
  try {
    await rename(fresh, directory);
  } catch (error) {
    if (hadOne) await rename(previous, directory);
    throw error;
  }
  await rm(previous, { recursive: true, force: true });
}

/** Call before anything else: brings back the model that a conversion killed at its end had moved. */
export async function restorePrevious(directory: string): Promise<void> {
  const { previous } = workPlaces(directory);
  if (!existsSync(directory)) await moved(previous, directory);
  await rm(previous, { recursive: true, force: true });
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
