/** Reads the manifest of a model folder. A folder has one only if its conversion was completed. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine } from '../runtime/installation.ts';
import { ModelError } from './errors.ts';
import { FORMAT_VERSION, type Manifest, manifestSchema, modelFiles } from './format.ts';

/** @throws {ModelError} when there is no manifest, or one of another version */
export async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, modelFiles.manifest);
  const convert = `convert it with \`${commandLine('convert')}\``;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ModelError(`There is no converted model in ${directory}: ${convert}.`, { cause });
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelError(
      `The model in ${directory} is not of format ${FORMAT_VERSION}, which this version reads: ` +
        `${convert}.`,
      { cause },
    );
  }
}

/** A short hash that changes whenever the networks or the gallery change. */
export function versionOf({ outputs }: Manifest): string {
  const files = outputs.map(({ file, sha256 }) => `${file} ${sha256}`).sort();
  return createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12);
}
