/**
 * The public course’s photos and their expected names, for trying, testing and measuring: where they lie, or
 * fetched from the course’s repository and unpacked, all or nothing.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { zipEntries } from '../../runtime/files.ts';
import { CheckpointError } from '../errors.ts';
import { type FindFilesOptions, findFiles, usualPlaces } from './find-files.ts';
import { courseFilesPublished } from './published-files.ts';

export interface CourseData {
  /** A folder with nothing but the photos. */
  readonly images: string;
  /** A CSV file with the columns Image (the stem) and Results (the name). */
  readonly results: string;
}

/**
 * Finds or downloads the course's set of `count` photos and unpacks it into the user's cache.
 * @throws {CheckpointError} when it is nowhere and cannot be downloaded, or is damaged
 */
export async function findCourseData(
  count: keyof typeof courseFilesPublished,
  options: FindFilesOptions = {},
): Promise<CourseData> {
  const { images: zip, results } = await findFiles(courseFilesPublished[count], options);
  return { images: await unpacked(count, zip, options), results };
}

/** The folder of the larger set that is on this machine already, if any: fetches nothing. */
export async function courseImagesHere(
  options: FindFilesOptions = {},
): Promise<string | undefined> {
  for (const count of [1000, 100] as const) {
    const { images } = courseFilesPublished[count];
    const here = await findFiles({ images }, { ...options, offline: true }).catch(() => undefined);
    if (here !== undefined) return unpacked(count, here.images, options);
  }
  return undefined;
}

async function unpacked(
  count: keyof typeof courseFilesPublished,
  zip: string,
  options: FindFilesOptions,
): Promise<string> {
  const { cache } = options.places ?? usualPlaces;
  const bytes = await readFile(zip);
  // Named by its content: another zip of the same name is unpacked again.
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const images = join(cache, `face_images_${count}-${digest}`);
  if (!existsSync(images)) await unpackPhotos(zip, bytes, images);
  return images;
}

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
