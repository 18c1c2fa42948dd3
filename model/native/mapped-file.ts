/**
 * Lets a part of a file lie in a buffer without being read: all processes of a machine that map it share its
 * pages. An addon of the project's own does it (mapped-pages.cc); where it could not be compiled, the caller reads.
 */
import { loadOwnAddon } from './own-addons.ts';

/** What may be mapped begins at a multiple of this, in the buffer and in the file: of any system's pages. */
export const MAPPING_ALIGNMENT = 65536;

interface MappingAddon {
  mapFile(memory: ArrayBuffer, at: number, path: string, from: number, bytes: number): boolean;
}

/**
 * Replaces a part of a WebAssembly memory, whose pages are not shared with anything, by a part of a file. It must
 * not be written to: that would end the process.
 * @returns false where that is not possible; the memory is then as it was
 */
export function mapFile(
  memory: ArrayBuffer,
  at: number,
  path: string,
  from: number,
  bytes: number,
): boolean {
  return loadOwnAddon<MappingAddon>('pages')?.mapFile(memory, at, path, from, bytes) ?? false;
}
