/** Whose photos a gallery folder holds, by the names of its files. Decodes no photo. */
import { access, constants } from 'node:fs/promises';
import { CheckpointError } from '../errors.ts';
import { type GalleryEntry, galleryEntries, whyUnreadable } from './folder-entries.ts';
import { cleanName, nameDoubts, nameFault, quotedName } from './person-names.ts';
import { mayBeSystemFolder } from './system-entries.ts';

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
  /** Names of the files and folders of systems, which nobody means as people or photos. */
  readonly passedOver: readonly string[];
  /** A sentence for each name of a person that should be looked at again. */
  readonly doubts: readonly string[];
}

interface Listing {
  /** The folders' names of people, as they are written. */
  readonly folders: string[];
  readonly people: Set<string>;
  readonly photos: GalleryPhoto[];
  readonly leftOut: LeftOut[];
  readonly passedOver: Set<string>;
}

/**
 * The photos of a gallery folder: one sub-folder a person, named as the person, with one or more photos.
 * Nothing is looked for below a person's folder, so that no link leads round in a circle.
 * @throws {CheckpointError} when there is nobody, a person without a photo, a folder that cannot be read
 *   or a name that answers cannot carry
 */
export async function listGalleryPhotos(folder: string): Promise<GalleryFolder> {
  const listing: Listing = {
    folders: [],
    people: new Set(),
    photos: [],
    leftOut: [],
    passedOver: new Set(),
  };
  for (const entry of await readable(folder)) {
    if (entry.kind === 'folder') await listPerson(entry, listing);
    else listOther(entry, 'lies in no person’s folder', listing);
  }
  const { folders, people, photos, leftOut, passedOver } = listing;
  if (people.size === 0) {
    throw new CheckpointError(
      [
        `The gallery folder ${folder} has no person: make one sub-folder a person, with photos in it.`,
        ...leftOutSection(leftOut),
      ].join('\n'),
    );
  }
  return {
    people: [...people],
    photos,
    leftOut,
    passedOver: [...passedOver].toSorted(),
    doubts: [
      ...folders
        .filter(mayBeSystemFolder)
        .map((name) => `the folder ${name} is taken as a person: is it a system’s?`),
      ...nameDoubts(folders),
    ],
  };
}

async function listPerson({ name, path }: GalleryEntry, listing: Listing): Promise<void> {
  const entries = await readable(path);
  const isEmpty = entries.every(({ kind }) => kind === 'other' || kind === 'system');
  if (isEmpty && mayBeSystemFolder(name)) {
    listing.passedOver.add(name);
    return;
  }
  const person = cleanName(name);
  const fault = nameFault(name);
  if (fault !== undefined) {
    throw new CheckpointError(
      `The gallery folder ${quotedName(path)} has a name that ${fault}: give it another one.`,
    );
  }
  const leftOut: LeftOut[] = [];
  let photos = 0;
  for (const entry of entries) {
    const refused = entry.kind === 'photo' ? await refusedAccess(entry.path) : undefined;
    if (entry.kind === 'folder') {
      leftOut.push({ path: entry.path, why: 'is a folder: put its photos one level up' });
    } else if (refused !== undefined) {
      leftOut.push({ path: entry.path, why: refused });
    } else if (entry.kind === 'photo') {
      listing.photos.push({ person, path: entry.path });
      photos++;
    } else {
      listOther(entry, '', { ...listing, leftOut });
    }
  }
  if (photos === 0) throw new CheckpointError(noPhoto(path, entries, leftOut));
  listing.folders.push(name);
  listing.people.add(person);
  listing.leftOut.push(...leftOut);
}

function noPhoto(
  path: string,
  entries: readonly GalleryEntry[],
  leftOut: readonly LeftOut[],
): string {
  const whatToDo = entries.some(({ kind }) => kind === 'folder')
    ? `only folders: if these are the people, name it with --gallery ${path}`
    : 'or none that can be used: add one or remove the folder';
  return [`The gallery folder ${path} has no photo, ${whatToDo}.`, ...leftOutSection(leftOut)].join(
    '\n',
  );
}

/** What is neither a person nor a person's photo. */
function listOther(entry: GalleryEntry, whyNoPhoto: string, listing: Listing): void {
  const { name, path } = entry;
  if (entry.kind === 'refused') listing.leftOut.push({ path, why: entry.why });
  else if (entry.kind === 'photo') listing.leftOut.push({ path, why: whyNoPhoto });
  else if (entry.kind === 'system') listing.passedOver.add(name.startsWith('._') ? '._*' : name);
}

/** @throws {CheckpointError} naming the folder, when this user may not read it */
async function readable(folder: string): Promise<GalleryEntry[]> {
  try {
    return await galleryEntries(folder);
  } catch (error) {
    throw new CheckpointError(
      `The gallery folder ${folder} ${whyUnreadable(error)}. Give this user the right to read it, or take it out of the gallery.`,
      { cause: error },
    );
  }
}

async function refusedAccess(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return whyUnreadable(error);
  }
}

/** For the end of an error. */
export function leftOutSection(leftOut: readonly LeftOut[]): string[] {
  return leftOut.length > 0 ? ['Left out:', ...leftOutLines(leftOut)] : [];
}

/** Photos that were left out, a line each. */
export function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  return leftOut.map(({ path, why }) => `  ${path} ${why}`);
}
