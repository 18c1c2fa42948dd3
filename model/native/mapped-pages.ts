/**
 * Gives back file pages of the program and its libraries that were only needed for loading: nine tenths of
 * TensorFlow's, which are read once for relocation and for registering its kernels. They stay in the system's
 * page cache and are mapped again when needed, without being read again. This takes a small addon of the
 * project; if it could not be compiled, the pages stay mapped.
 */
import { loadOwnAddon } from './own-addons.ts';

/**
 * For a process that has just started and will run for long. Takes some ms, and slows the next computation
 * by about 10 ms, which maps again what it needs.
 * @returns bytes of the segments that were given back, mapped or not; 0 without the addon
 */
export function releaseMappedPages(): number {
  const addon = loadOwnAddon<{ releaseMappedPages(): number }>('pages');
  return addon?.releaseMappedPages() ?? 0;
}
