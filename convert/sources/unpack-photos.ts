/** Unpacks a zip file of photos into a folder: bounded, flat, and all or nothing. Fetches nothing. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type UnzipFileInfo, unzipSync } from 'fflate';
import { messageOf } from '../../runtime/errors.ts';
import { CheckpointError } from '../errors.ts';

/** What all photos together may take unpacked: forty times the course's. */
const MOST_BYTES = 64 * 2 ** 20;
const PHOTO = /^(?:[\w.-]+\/)*([\w-]+\.(?:jpe?g|png))$/i;
/** What macOS adds to the zip files that it makes. */
const MAC_EXTRAS = /^__MACOSX\//;

/**
 * @param zip the path, for messages; `bytes` its content
 * @param folder gets the photos by their file names, at once when all are written
 * @throws {CheckpointError} naming the zip, when it is damaged, too large, or has an entry that is not
 *   plainly a photo, has a path that leads elsewhere, or a name twice
 */
export async function unpackPhotos(zip: string, bytes: Uint8Array, folder: string): Promise<void> {
  const photos = readPhotos(zip, bytes);
  const fresh = `${folder}.${randomUUID()}.part`;
  try {
    await mkdir(fresh, { recursive: true });
    for (const [name, content] of photos) {
      await writeFile(join(fresh, name), content, { flag: 'wx' });
    }
    await rename(fresh, folder).catch(unlessAlreadyThere);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

function readPhotos(zip: string, bytes: Uint8Array): Map<string, Uint8Array> {
  const names = new Set<string>();
  let total = 0;
  const wanted = ({ name, originalSize }: UnzipFileInfo): boolean => {
    if (name.endsWith('/') || MAC_EXTRAS.test(name)) return false;
    const photo = PHOTO.exec(name)?.[1];
    if (photo === undefined || name.includes('..')) {
      throw new CheckpointError(
        `${zip} cannot be used: its entry ${JSON.stringify(name)} is not a photo.`,
      );
    }
    // Without regard to case, as some file systems have it.
    if (names.has(photo.toLowerCase())) {
      throw new CheckpointError(`${zip} cannot be used: it has ${photo} twice.`);
    }
    names.add(photo.toLowerCase());
    total += originalSize;
    if (total > MOST_BYTES) {
      throw new CheckpointError(
        `${zip} cannot be used: unpacked it is larger than photos should be.`,
      );
    }
    return true;
  };
  try {
    const entries = unzipSync(bytes, { filter: wanted });
    return new Map(
      Object.entries(entries).map(([path, content]) => [
        path.slice(path.lastIndexOf('/') + 1),
        content,
      ]),
    );
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(
      `${zip} cannot be used: it is not a zip file, or damaged: ${messageOf(cause)}.`,
      { cause },
    );
  }
}

/** Another process may have unpacked the same photos meanwhile. */
function unlessAlreadyThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}
