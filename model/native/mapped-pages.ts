/**
 * Gives back file pages of the program, its libraries and the model that were only needed for loading: nine
 * tenths of TensorFlow's, which are read once for relocation and for registering its kernels, and weights that
 * oneDNN has rearranged into memory of its own. They stay in the system's
 * page cache and are mapped again when needed, without being read again. This takes a small addon of the
 * project; if it could not be compiled, the pages stay mapped.
 */
import { realpathSync } from 'node:fs';
import { loadOwnAddon } from './own-addons.ts';

interface PagesAddon {
  releaseMappedPages(directory?: string): number;
  /** Absent from an addon of an earlier version. */
  giveBackBlocks?(): void;
}

/**
 * For a process that has just started and will run for long. Takes some ms, and slows the next computation
 * by about 10 ms, which maps again what it needs.
 * @param directory of the model, if the process maps one
 * @returns bytes of the segments that were given back, mapped or not; 0 without the addon
 */
export function releaseMappedPages(directory?: string): number {
  const addon = loadOwnAddon<PagesAddon>('pages');
  if (directory === undefined) return addon?.releaseMappedPages() ?? 0;
  return addon?.releaseMappedPages(realpathSync(directory)) ?? 0;
}

/** From now on large blocks, such as photos, go back to the system as soon as they are freed. Needs the addon and glibc. */
export function giveBackBlocks(): void {
  loadOwnAddon<PagesAddon>('pages')?.giveBackBlocks?.();
}
