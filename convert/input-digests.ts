/** Digests of the files that a model is made from, which say whether it must be made again. */
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { sha256OfFile } from '../runtime/files.ts';
import { CheckpointError } from './errors.ts';
import { whyUnreadable } from './gallery/folder-entries.ts';
import type { GallerySource } from './gallery/make-gallery.ts';
import { encoderFiles, type ModelData } from './sources/model-data.ts';
import type { FileDigest } from './write/model-folder.ts';

/**
 * Inputs go by their role, not by where they lie: a moved checkpoint is the same one.
 * @returns what the manifest keeps, and the same by the files' paths
 * @throws {CheckpointError} naming a file that cannot be read
 */
export async function digestInputs(data: ModelData, source: GallerySource) {
  const files = [
    ...(['pnet', 'rnet', 'onet'] as const).map((name) => ({ file: name, path: data[name] })),
    ...Object.entries(encoderFiles(data.encoder)).map(([file, path]) => ({ file, path })),
    ...('file' in source
      ? [{ file: 'gallery', path: source.file }]
      : source.photos.map(({ path }) => ({
          file: `gallery/${relative(source.folder, path).replaceAll('\\', '/')}`,
          path,
        }))),
  ];
  const inputs: FileDigest[] = [];
  const digests = new Map<string, string>();
  for (const { file, path } of files) {
    const sha256 = await digestOf(path);
    inputs.push({ file, sha256 });
    digests.set(path, sha256);
  }
  return { inputs, digests };
}

async function digestOf(path: string): Promise<string> {
  try {
    // A pipe would be waited for without end.
    if ((await stat(path)).isFile()) return await sha256OfFile(path);
  } catch (cause) {
    throw new CheckpointError(`${path} ${whyUnreadable(cause)}.`, { cause });
  }
  throw new CheckpointError(`${path} is not a file: put the file itself there.`);
}
