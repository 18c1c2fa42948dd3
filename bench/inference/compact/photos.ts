/**
 * Photos for the compact encoder and its peers, 64x64 and 250x250: whichever this machine has. Whole photos
 * are fitted into the square, so that no face is cut in two and finding it a matter of taste.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findCourseData } from '../../../convert/sources/course-data.ts';
import { findPortraits } from '../../../convert/sources/portraits.ts';
import { distinct, imagesIn, type PhotoSet, parityPhotos, SMALL, scaled } from '../photos.ts';

/**
 * @param folder where made photos go
 * @param faceApi the folder of face-api's package, whose sample photos nothing here was tuned on
 */
export async function gatherSmallPhotos(
  folder: string,
  faceApi: string | undefined,
  images: readonly string[],
): Promise<PhotoSet[]> {
  const course = await findCourseData(100).catch(() => undefined);
  const portraits = await findPortraits().catch(() => undefined);
  const sets: PhotoSet[] = [
    {
      name: 'course',
      label: 'course photos, 64x64',
      paths: course === undefined ? [] : await distinct(await imagesIn([course.images])),
    },
    {
      name: 'small',
      label: `parity photos fitted into ${SMALL}x${SMALL}`,
      paths: await scaled(await parityPhotos(), folder, 'contain'),
    },
    {
      name: 'portraits',
      label: `portraits in the public domain, fitted into ${SMALL}x${SMALL}`,
      paths:
        portraits === undefined
          ? []
          : await scaled(await imagesIn([portraits.photos]), folder, 'contain'),
    },
    {
      name: 'samples',
      label: `face-api’s sample photos fitted into ${SMALL}x${SMALL}`,
      paths: faceApi === undefined ? [] : await scaled(await samplesOf(faceApi), folder, 'contain'),
    },
    {
      name: 'own',
      label: `photos of --images fitted into ${SMALL}x${SMALL}`,
      paths: images.length === 0 ? [] : await scaled(await imagesIn(images), folder, 'contain'),
    },
  ];
  return sets.filter(({ paths }) => paths.length > 0);
}

async function samplesOf(faceApi: string): Promise<string[]> {
  const folder = join(faceApi, 'demo');
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /^sample\d+\.jpg$/.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}
