/**
 * The folder of checkpoints that a person names: which files of it are taken, and which may have been
 * meant. Looks nowhere else.
 */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointError } from '../errors.ts';
import type { PublishedFile } from './published-files.ts';

/** @returns the path of the file under one of its names, flat or in its group's sub-folder */
export function findIn(folder: string, { names, group }: PublishedFile): string | undefined {
  return names
    .flatMap((name) => [join(folder, name), join(folder, group, name)])
    .find((path) => existsSync(path));
}

/** @throws {CheckpointError} when it is no folder, or has none of the files */
export async function requireAnyIn(folder: string, files: readonly PublishedFile[]): Promise<void> {
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
