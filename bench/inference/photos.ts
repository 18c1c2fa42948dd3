/**
 * The photos of the bench: the course’s distinct photos, the large ones in ../shared/parity if they are there,
 * scaled copies of those, the user's own, and groups tiled from single faces; for the compact encoder also
 * portraits and face-api’s samples.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import sharp from 'sharp';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { usualPlaces } from '../../convert/sources/find-files.ts';
import { findPortraits } from '../../convert/sources/portraits.ts';
import { photoFiles } from '../../model/command/photo-files.ts';
import { BenchError } from '../errors.ts';

export type SetName = 'course' | 'small' | 'large' | 'portraits' | 'samples' | 'own';

export interface PhotoSet {
  readonly name: SetName;
  readonly label: string;
  readonly paths: readonly string[];
}

/** px: the sides of the scaled photos. */
export const SMALL = 250;

/** @param folder for generated photos @param images the user's own files or folders */
export async function gatherPhotos(folder: string, images: readonly string[]): Promise<PhotoSet[]> {
  const course = await distinct(await imagesIn([(await findCourseData(100)).images]));
  const large = await parityPhotos();
  const own = images.length === 0 ? [] : await imagesIn(images);
  const sets: PhotoSet[] = [
    { name: 'course', label: 'course photos, 64x64', paths: course },
    {
      name: 'small',
      label: `parity photos scaled to ${SMALL}x${SMALL}`,
      paths: await scaled(large, folder),
    },
    { name: 'large', label: 'parity photos, about 2 megapixels', paths: large },
    { name: 'own', label: 'photos of --images', paths: own },
  ];
  return sets.filter(({ paths }) => paths.length > 0);
}

/** The large photos beside the checkout, if they are there. */
export function parityPhotos(): Promise<string[]> {
  return imagesIn([join(usualPlaces.shared, 'parity')], true);
}

/** One photo for each distinct content. */
export async function distinct(paths: readonly string[]): Promise<string[]> {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    if (!seen.has(digest)) seen.set(digest, path);
  }
  return [...seen.values()];
}

/** @throws {BenchError} when one of them is not a photo, unless it may be absent */
export async function imagesIn(named: readonly string[], mayBeAbsent = false): Promise<string[]> {
  const files = await photoFiles(named);
  const wrong = files.find((file) => 'error' in file);
  if (wrong && 'error' in wrong) {
    if (mayBeAbsent) return [];
    throw new BenchError(`${wrong.path} cannot be measured with: ${wrong.error.message}`);
  }
  return files.map(({ path }) => path);
}

/**
 * Writes each photo upright and 250x250 into the folder.
 * @param fit `cover` crops to a square, `contain` fills the square up with grey
 */
export async function scaled(
  paths: readonly string[],
  folder: string,
  fit: 'cover' | 'contain' = 'cover',
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    paths.map(async (path) => {
      const out = join(folder, `${parse(path).name}-${SMALL}.jpg`);
      await sharp(path)
        .rotate()
        .resize(SMALL, SMALL, { fit, background: 'grey' })
        .jpeg()
        .toFile(out);
      return out;
    }),
  );
}

/** px: every group photo has the same size, whatever its number of faces. */
const GROUP = 1000;

/**
 * A photo tiled from `faces` single photos; all groups have the same size, and unused tiles are grey.
 * @param singles photos with one face each; repeated if there are fewer than `faces`
 */
export async function groupPhoto(
  singles: readonly string[],
  faces: number,
  folder: string,
): Promise<string> {
  const across = 4;
  const side = GROUP / across;
  const tiles = await Promise.all(
    Array.from({ length: faces }, async (_, index) => ({
      input: await sharp(singles[index % singles.length]!)
        .resize(side, side)
        .toBuffer(),
      left: (index % across) * side,
      top: Math.floor(index / across) * side,
    })),
  );
  const out = join(folder, `group-${faces}.jpg`);
  await sharp({ create: { width: GROUP, height: GROUP, channels: 3, background: 'grey' } })
    .composite(tiles)
    .jpeg()
    .toFile(out);
  return out;
}

/** Parity's photo of several people is not a single one. */
export function singles(set: PhotoSet): string[] {
  return set.paths.filter((path) => !basename(path).startsWith('multiface'));
}

/**
 * @param folder for generated photos
 * @param faceApi the folder of face-api's package, whose sample photos were not used to tune anything here
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
