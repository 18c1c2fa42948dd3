/** Resolves the files and folders on the command line to photos. Does not open them. */
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PHOTO_EXTENSIONS } from '../../runtime/photo-format/formats.ts';
import { ImageError } from '../errors.ts';

/** A photo to recognise, or a path that cannot be one. */
export type NamedPhoto =
  | { readonly path: string }
  | { readonly path: string; readonly error: ImageError };

/**
 * A file is taken whatever its extension. A folder stands for the images in it, by their extensions, sorted by
 * name; folders inside folders are not searched.
 */
export async function photoFiles(named: readonly string[]): Promise<NamedPhoto[]> {
  return (await Promise.all(named.map(expand))).flat();
}

async function expand(path: string): Promise<NamedPhoto[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [{ path }];
    const entries = await readdir(path, { withFileTypes: true });
    const photos = entries
      .filter((entry) => !entry.isDirectory() && isImageName(entry.name))
      .map(({ name }) => name)
      .sort()
      .map((name) => ({ path: join(path, name) }));
    if (photos.length > 0) return photos;
    return [{ path, error: new ImageError('The folder holds no images.') }];
  } catch (cause) {
    return [{ path, error: unreadable(cause) }];
  }
}

function isImageName(name: string): boolean {
  return !name.startsWith('.') && PHOTO_EXTENSIONS.has(extname(name).toLowerCase());
}

/** Why a file or folder could not be opened, in one sentence. */
export function unreadable(cause: unknown): ImageError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const sentences: Record<string, string> = {
    ENOENT: 'There is no such file.',
    EACCES: 'The file may not be read: permission denied.',
    EISDIR: 'It is a folder.',
  };
  return new ImageError(sentences[code] ?? `The file cannot be read (${code}).`, { cause });
}
