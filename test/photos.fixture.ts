/**
 * Photos whose people the tests' model knows, with their names: the public course's where the model has its
 * gallery, else the portraits that package registries carry. Either are called test_000.jpg and so forth.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { findCourseData } from '../convert/sources/course-data.ts';
import { findPortraits, portraits } from '../convert/sources/portraits.ts';
import { readGallery } from '../model/match/gallery.ts';
import { folders } from '../runtime/folders.ts';
import { modelDirectory } from './model.fixture.ts';

export interface KnownPhotos {
  /** A folder with nothing but the photos: test_000.jpg to test_099.jpg at least. */
  readonly images: string;
  /** The name of the person in each, by stem, in the order of stems. */
  readonly expected: ReadonlyMap<string, string>;
}

const PORTRAITS = 100;
/** Pixels of a portrait's longer side: as small as the course's faces, and as quick. */
const SIDE = 320;

/** @throws {CheckpointError} when neither can be found or fetched */
export async function knownPhotos(count: 100 | 1000 = 1000): Promise<KnownPhotos> {
  return (await knowsTheCourse()) ? coursePhotos(count) : portraitPhotos();
}

/** For node:test's `skip`: false where the model has the course's gallery, else the reason. */
export async function courseMissing(): Promise<false | string> {
  return (await knowsTheCourse())
    ? false
    : 'the weights, gallery and photos of the public course are not on this machine';
}

async function knowsTheCourse(): Promise<boolean> {
  const { names } = await readGallery(await modelDirectory());
  return !portraits.every(({ person }) => names.includes(person));
}

async function coursePhotos(count: 100 | 1000): Promise<KnownPhotos> {
  const { images, results } = await findCourseData(count);
  const rows = (await readFile(results, 'utf8')).trim().split(/\r?\n/).slice(1);
  return { images, expected: new Map(rows.map((row) => row.split(',') as [string, string])) };
}

async function portraitPhotos(): Promise<KnownPhotos> {
  const { photos } = await findPortraits();
  const images = join(folders.cache, `test-portraits-${SIDE}`);
  const fresh = `${images}.${randomUUID()}`;
  await mkdir(fresh, { recursive: true });
  const expected = new Map<string, string>();
  const small = await Promise.all(
    portraits.map(({ file }) =>
      sharp(join(photos, file.names[0])).resize(SIDE, SIDE, { fit: 'inside' }).jpeg().toBuffer(),
    ),
  );
  for (let at = 0; at < PORTRAITS; at++) {
    const stem = `test_${String(at).padStart(3, '0')}`;
    const which = at % portraits.length;
    await sharp(small[which]).toFile(join(fresh, `${stem}.jpg`));
    expected.set(stem, portraits[which]?.person ?? '');
  }
  // Another test may have made them meanwhile.
  await rename(fresh, images).catch(() => rm(fresh, { recursive: true }));
  return { images, expected };
}
