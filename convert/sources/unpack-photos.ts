/** Unpacks a zip file of photos into a folder: bounded, flat, and all or nothing. Fetches nothing. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { zipEntries } from '../../runtime/files.ts';
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
  const photos = await readPhotos(zip, bytes);
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

async function readPhotos(zip: string, bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const photos = new Map<string, Uint8Array>();
  const names = new Set<string>();
  let total = 0;
  try {
    for await (const entry of zipEntries(bytes)) {
      const { name } = entry;
      if (name.endsWith('/') || MAC_EXTRAS.test(name)) continue;
      const photo = PHOTO.exec(name)?.[1];
      if (photo === undefined || name.includes('..')) {
        throw unusable(zip, `its entry ${JSON.stringify(name)} is not a photo`);
      }
      // Some file systems do not tell cases apart.
      if (names.has(photo.toLowerCase())) throw unusable(zip, `it has ${photo} twice`);
      names.add(photo.toLowerCase());
      total += entry.bytes;
      if (total > MOST_BYTES) throw unusable(zip, 'unpacked it is larger than photos should be');
      photos.set(photo, await entry.content());
    }
    return photos;
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw unusable(zip, `it is not a zip file, or damaged: ${messageOf(cause)}`, cause);
  }
}

function unusable(zip: string, why: string, cause?: unknown): CheckpointError {
  return new CheckpointError(`${zip} cannot be used: ${why}.`, { cause });
}

/** Another process may have unpacked the same photos meanwhile. */
function unlessAlreadyThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}
