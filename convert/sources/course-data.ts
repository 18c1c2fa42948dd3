/**
 * The public course's photos and their expected names, for trying, testing and measuring: where they
 * lie, or fetched from the course's repository.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FindFilesOptions, findFiles, usualPlaces } from './find-files.ts';
import { courseFilesPublished } from './published-files.ts';
import { unpackPhotos } from './unpack-photos.ts';

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
