/**
 * What lies in a folder of a gallery: folders, photos and other things, told apart without opening what
 * should not be opened. Knows no people.
 */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { errorCodeOf, messageOf } from '../../runtime/errors.ts';
import { OTHER_PHOTO_EXTENSIONS, PHOTO_EXTENSIONS } from '../../runtime/photo-format/formats.ts';
import { photoFormatOf } from '../../runtime/photo-format/judge.ts';
import { isSystemEntry } from './system-entries.ts';

export type GalleryEntry = { readonly name: string; readonly path: string } & (
  | { readonly kind: 'folder' | 'photo' | 'other' }
  /** The system's, or hidden. */
  | { readonly kind: 'system' }
  /** Meant as a photo, it seems, but not taken; `why` is said after its path. */
  | { readonly kind: 'refused'; readonly why: string }
);

/** Enough to tell a photo's format. */
const HEAD_BYTES = 512;

/**
 * Sorted by code units, so that a gallery depends on neither the file system nor the language. Links count
 * as what they lead to.
 */
export async function galleryEntries(folder: string): Promise<GalleryEntry[]> {
  const names = (await readdir(folder)).toSorted((a, b) => (a < b ? -1 : 1));
  const entries = await Promise.all(names.map((name) => entryOf(join(folder, name), name)));
  // One after the other: each opens its file.
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'other') entries[index] = await byContent(entry);
  }
  return entries;
}

async function entryOf(path: string, name: string): Promise<GalleryEntry> {
  if (isSystemEntry(name)) return { name, path, kind: 'system' };
  try {
    const found = await stat(path);
    if (found.isDirectory()) return { name, path, kind: 'folder' };
    if (!found.isFile()) return { name, path, kind: 'refused', why: `is ${specialKind(found)}` };
    if (hasPhotoEnding(name) || hasPhotoEnding(await realpath(path))) {
      return { name, path, kind: 'photo' };
    }
    return { name, path, kind: 'other' };
  } catch (error) {
    const why = name.includes('\uFFFD')
      ? 'has a name that is not in UTF-8: give it another one'
      : whyUnreadable(error);
    return { name, path, kind: 'refused', why };
  }
}

interface SpecialFile {
  isFIFO(): boolean;
  isSocket(): boolean;
}

function specialKind(found: SpecialFile): string {
  if (found.isFIFO()) return 'a pipe, which is not opened';
  if (found.isSocket()) return 'a socket, which is not opened';
  return 'a device, which is not opened';
}

export function hasPhotoEnding(name: string): boolean {
  const ending = extname(name).toLowerCase();
  return PHOTO_EXTENSIONS.has(ending) || OTHER_PHOTO_EXTENSIONS.has(ending);
}

async function byContent({ name, path }: GalleryEntry): Promise<GalleryEntry> {
  const format = photoFormatOf(await headOf(path));
  if (format === undefined) return { name, path, kind: 'other' };
  const better = `${name}.${format === 'JPEG' ? 'jpg' : format.toLowerCase()}`;
  const why = `is a ${format} photo without the ending of one: name it ${better}`;
  return { name, path, kind: 'refused', why };
}

/** The first bytes; none of a file that cannot be read, which nobody misses then. */
async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return new Uint8Array();
  try {
    const head = new Uint8Array(HEAD_BYTES);
    const { bytesRead } = await file.read(head);
    return head.subarray(0, bytesRead);
  } catch {
    return new Uint8Array();
  } finally {
    await file.close();
  }
}

/** Said after a path. */
export function whyUnreadable(error: unknown): string {
  const code = errorCodeOf(error);
  return code === 'EACCES' || code === 'EPERM'
    ? 'cannot be read: this user has no right to'
    : `cannot be read: ${messageOf(error)}`;
}
