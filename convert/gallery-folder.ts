/** Whose photos a gallery folder holds, by the names of its files alone. Reads no photo. */
import type { Dirent } from 'node:fs';
import { access, constants, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { IMAGE_EXTENSIONS } from '../model/image-format.ts';
import { messageOf } from '../runtime/errors.ts';
import { CheckpointError } from './errors.ts';

export interface GalleryPhoto {
  readonly person: string;
  readonly path: string;
}

/** A photo that is not in the gallery, and why, to be said after its path: `shows no face`. */
export interface LeftOut {
  readonly path: string;
  readonly why: string;
}

export interface GalleryFolder {
  readonly people: readonly string[];
  readonly photos: readonly GalleryPhoto[];
  readonly leftOut: readonly LeftOut[];
}

/** Photos too, to whoever made them: to be refused by name, not passed over. */
const OTHER_PHOTOS: ReadonlySet<string> = new Set(['.heic', '.heif', '.bmp', '.jxl', '.jp2']);

/**
 * The photos of a gallery folder: one sub-folder a person, named as the person, with one or more photos.
 * @throws {CheckpointError} when there is nobody, or a person without a photo
 */
export async function listGalleryPhotos(folder: string): Promise<GalleryFolder> {
  const people: string[] = [];
  const photos: GalleryPhoto[] = [];
  const leftOut: LeftOut[] = [];
  for (const entry of await visibleEntries(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const person = entry.name.normalize('NFC');
      people.push(person);
      for (const found of await listPerson(path, person)) {
        if ('why' in found) leftOut.push(found);
        else photos.push(found);
      }
    } else if (isPhoto(entry)) {
      leftOut.push({ path, why: 'lies in no person’s folder' });
    }
  }
  if (people.length === 0) {
    throw new CheckpointError(
      `The gallery folder ${folder} has no person: make one sub-folder a person, with photos in it.`,
    );
  }
  return { people, photos, leftOut };
}

async function listPerson(folder: string, person: string): Promise<(GalleryPhoto | LeftOut)[]> {
  const entries = await visibleEntries(folder);
  if (!entries.some(isPhoto)) {
    throw new CheckpointError(
      `The gallery folder ${folder} has no photo: add one or remove the folder.`,
    );
  }
  const found: (GalleryPhoto | LeftOut)[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push({ path, why: 'is a folder: put its photos one level up' });
    else if (isPhoto(entry)) found.push(await readable({ person, path }));
  }
  return found;
}

async function readable(photo: GalleryPhoto): Promise<GalleryPhoto | LeftOut> {
  try {
    await access(photo.path, constants.R_OK);
    return photo;
  } catch (error) {
    return { path: photo.path, why: `cannot be read: ${messageOf(error)}` };
  }
}

/** Photos that were left out, a line each. */
export function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  return leftOut.map(({ path, why }) => `  ${path} ${why}`);
}

/** A link to a photo is one too; other files that people keep beside photos are passed over. */
function isPhoto(entry: Dirent): boolean {
  const extension = extname(entry.name).toLowerCase();
  return !entry.isDirectory() && (IMAGE_EXTENSIONS.has(extension) || OTHER_PHOTOS.has(extension));
}

/** Sorted by code units, so that a gallery does not depend on the file system or the language. */
async function visibleEntries(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
