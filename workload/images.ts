/** The files that a run posts: found in a folder, in sorted order. Knows nothing of HTTP or of images. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileName } from '../cloud/contract/file-names.ts';
import { stemOf } from '../cloud/contract/names.ts';
import { messageOf } from '../runtime/errors.ts';
import { WorkloadError } from './errors.ts';

export interface ImageFile {
  readonly path: string;
  /** The file name as posted. */
  readonly name: string;
  /** What the answer begins with: see `contractStem`. */
  readonly stem: string;
}

/**
 * Every file of the folder by name, without subfolders and hidden files (`.DS_Store` is no photo).
 * @throws {WorkloadError} when the folder cannot be read or has no file.
 */
export async function listImages(folder: string): Promise<ImageFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WorkloadError(
      `--image_folder ${folder} cannot be read (${messageOf(cause)}). Give a folder of photos.`,
      { cause },
    );
  });
  const images = entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => ({ path: join(folder, name), name, stem: contractStem(name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (images.length === 0) {
    throw new WorkloadError(`--image_folder ${folder} contains no files. Give a folder of photos.`);
  }
  return images;
}

/**
 * The file name without its last extension, as the web tier writes it: composed letters, even where the
 * file system has decomposed ones.
 */
export function contractStem(fileName: string): string {
  const name = readFileName(fileName);
  return stemOf(typeof name === 'string' ? name : fileName); // One that is refused has no answer.
}
