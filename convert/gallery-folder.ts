/** Whose photos a gallery folder holds, by the names of its files alone. Reads no photo. */
import { access, constants, readdir, realpath, stat } from 'node:fs/promises';
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
 * Links count as what they lead to. Nothing is looked for below a person's folder, so that none leads
 * round in a circle.
 * @throws {CheckpointError} when there is nobody, or a person without a photo
 */
export async function listGalleryPhotos(folder: string): Promise<GalleryFolder> {
  const people: string[] = [];
  const photos: GalleryPhoto[] = [];
  const leftOut: LeftOut[] = [];
  for (const entry of await visibleEntries(folder)) {
    const path = join(folder, entry.name);
    if (entry.kind === 'folder') {
      const person = entry.name.normalize('NFC');
      people.push(person);
      for (const found of await listPerson(path, person)) {
        if ('why' in found) leftOut.push(found);
        else photos.push(found);
      }
    } else if (entry.kind === 'lost') {
      leftOut.push({ path, why: entry.why });
    } else if (entry.kind === 'photo') {
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
  if (!entries.some(({ kind }) => kind === 'photo' || kind === 'lost')) {
    throw new CheckpointError(
      `The gallery folder ${folder} has no photo: add one or remove the folder.`,
    );
  }
  const found: (GalleryPhoto | LeftOut)[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.kind === 'folder') {
      found.push({ path, why: 'is a folder: put its photos one level up' });
    } else if (entry.kind === 'lost') {
      found.push({ path, why: entry.why });
    } else if (entry.kind === 'photo') {
      found.push(await readable({ person, path }));
    }
  }
  return found;
}

async function readable(photo: GalleryPhoto): Promise<GalleryPhoto | LeftOut> {
  try {
    await access(photo.path, constants.R_OK);
    return photo;
  } catch (error) {
    return { path: photo.path, why: unreadable(error) };
  }
}

function unreadable(error: unknown): string {
  return `cannot be read: ${messageOf(error)}`;
}

/** Photos that were left out, a line each. */
export function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  return leftOut.map(({ path, why }) => `  ${path} ${why}`);
}

/** By its name; other files that people keep beside photos are passed over. */
function isPhoto(name: string): boolean {
  const extension = extname(name).toLowerCase();
  return IMAGE_EXTENSIONS.has(extension) || OTHER_PHOTOS.has(extension);
}

type Entry = { readonly name: string } & (
  | { readonly kind: 'folder' | 'photo' | 'other' }
  /** A link that leads nowhere, or in a circle: nobody knows to what. */
  | { readonly kind: 'lost'; readonly why: string }
);

/** Sorted by code units, so that a gallery does not depend on the file system or the language. */
async function visibleEntries(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const found = visible.map(async (entry): Promise<Entry> => {
    const { name } = entry;
    if (entry.isSymbolicLink()) return linkEntry(join(folder, name), name);
    if (entry.isDirectory()) return { name, kind: 'folder' };
    return { name, kind: isPhoto(name) ? 'photo' : 'other' };
  });
  return (await Promise.all(found)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** A link to a photo need not be named as one. */
async function linkEntry(path: string, name: string): Promise<Entry> {
  try {
    const [target, end] = await Promise.all([stat(path), realpath(path)]);
    if (target.isDirectory()) return { name, kind: 'folder' };
    const isOne = target.isFile() && (isPhoto(name) || isPhoto(end));
    return { name, kind: isOne ? 'photo' : 'other' };
  } catch (error) {
    return { name, kind: 'lost', why: unreadable(error) };
  }
}
