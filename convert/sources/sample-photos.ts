/**
 * Photos to try the system with, whose right names are known: the course's, or portraits, whichever the
 * model on this machine knows the people of.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { readInputs } from '../write/model-folder.ts';
import { courseImagesHere, findCourseData } from './course-data.ts';
import { type FindFilesOptions, MissingFilesError, usualPlaces } from './find-files.ts';
import { findPortraits, portraitFolders, portraits } from './portraits.ts';
import { modelFilesPublished } from './published-files.ts';

export interface SamplePhoto {
  /** The file's name without its ending. */
  readonly name: string;
  readonly path: string;
  readonly person: string;
  /** The photo itself is in the gallery, so that its answer shows little. */
  readonly enrolled: boolean;
}

/**
 * Finds the photos that fit the model in `modelFolder`, or fetches them. Without a model, or with people
 * of the user's own in it: the course's, else the portraits.
 * @returns at least one; those that show most come first
 * @throws {MissingFilesError} when they are nowhere and cannot be fetched
 */
export async function findSamplePhotos(
  modelFolder: string,
  options: FindFilesOptions = {},
): Promise<readonly SamplePhoto[]> {
  const people = await peopleOf(modelFolder);
  if (people === 'portraits') return portraitPhotos(options);
  try {
    return await coursePhotos(options);
  } catch (error) {
    if (people === 'course' || !(error instanceof MissingFilesError)) throw error;
    return portraitPhotos(options).catch(() => {
      throw error;
    });
  }
}

/**
 * The folder of the photos that fit the model, for the page. Fetches nothing: where the course's photos
 * are not on this machine it is where the portraits will be once a model is converted with them.
 */
export async function samplesFolder(
  modelFolder: string,
  options: FindFilesOptions = {},
): Promise<string> {
  const { cache } = options.places ?? usualPlaces;
  const ofCourse =
    (await peopleOf(modelFolder)) === 'portraits' ? undefined : await courseImagesHere(options);
  return ofCourse ?? portraitFolders(cache).photos;
}

/** The people that the model's gallery was made from: undefined for the user's own people, or without a model. */
async function peopleOf(modelFolder: string): Promise<'course' | 'portraits' | undefined> {
  const inputs = await readInputs(resolve(modelFolder));
  const has = (file: string, sha256: string | undefined) =>
    inputs.some((input) => input.file === file && input.sha256 === sha256);
  if (has('gallery', modelFilesPublished.gallery.identity?.sha256)) return 'course';
  const enrolled = portraits.filter(({ heldBack }) => !heldBack);
  const all = enrolled.every(({ person, file: { names, identity } }) =>
    has(`gallery/${person}/${names[0]}`, identity?.sha256),
  );
  return all ? 'portraits' : undefined;
}

async function coursePhotos(options: FindFilesOptions): Promise<readonly SamplePhoto[]> {
  const { images, results } = await findCourseData(1000, options);
  const rows = (await readFile(results, 'utf8')).trim().split(/\r?\n/).slice(1);
  const people = new Map(rows.map((row) => row.split(',') as [string, string]));
  const files = (await readdir(images)).toSorted();
  return files.map((file) => {
    const { name } = parse(file);
    return { name, path: join(images, file), person: people.get(name) ?? '', enrolled: false };
  });
}

async function portraitPhotos(options: FindFilesOptions): Promise<readonly SamplePhoto[]> {
  const { photos } = await findPortraits(options);
  const enrolledLast = portraits.toSorted((a, b) => Number(b.heldBack) - Number(a.heldBack));
  return enrolledLast.map(({ person, heldBack, file }) => ({
    name: parse(file.names[0]).name,
    path: join(photos, file.names[0]),
    person,
    enrolled: !heldBack,
  }));
}
