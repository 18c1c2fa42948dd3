/**
 * The public course's photos and their expected names, for trying, testing and measuring: where they
 * lie, or fetched from the course's repository.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ObtainOptions, obtain, usualPlaces } from './obtain.ts';
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
  options: ObtainOptions = {},
): Promise<CourseData> {
  const { images: zip, results } = await obtain(courseFilesPublished[count], options);
  const { cache } = options.places ?? usualPlaces;
  const bytes = await readFile(zip);
  // Named by its content: another zip of the same name is unpacked anew.
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const images = join(cache, `face_images_${count}-${digest}`);
  if (!existsSync(images)) await unpackPhotos(zip, bytes, images);
  return { images, results };
}
