/**
 * Gives back file pages of the program and its libraries that were only needed for loading: nine tenths of
 * TensorFlow's, which are read once for relocation and for registering its kernels. They stay in the system's
 * page cache and are mapped again when needed, without being read again. This takes a small addon of the
 * project; if it could not be compiled, the pages stay mapped.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { platform } from 'node:os';
import { dirname, join } from 'node:path';
import { pagesAddonFile, tfjsNodeFolder } from './paths.ts';
import { compileModule } from './set-up/addon.ts';
import { findTools } from './set-up/tools.ts';

const SOURCE = join(import.meta.dirname, 'mapped-pages.cc');

const require = createRequire(import.meta.url);

/**
 * Compiles the addon into tfjs-node's folder, if it is not there.
 * @returns false without a compiler, or on another system than Linux
 * @throws {NativeError} when the compiler fails, quoting it
 */
export async function addPagesAddon(tfjsNode: string): Promise<boolean> {
  if (platform() !== 'linux') return false;
  const target = join(tfjsNode, pagesAddonFile);
  if (existsSync(target)) return true;
  const { compiler } = await findTools();
  if (compiler === undefined) return false;
  await mkdir(dirname(target), { recursive: true });
  // Compiled under another name and renamed: another installation or a worker may look for it at this time.
  const fresh = `${target}.${process.pid}`;
  try {
    await compileModule(compiler, fresh, [SOURCE]);
    await rename(fresh, target);
  } finally {
    await rm(fresh, { force: true });
  }
  return true;
}

/**
 * For a process that has just started and will run for long. Takes some ms, and slows the next computation
 * by about 10 ms, which maps again what it needs.
 * @returns bytes of the segments that were given back, mapped or not; 0 without the addon
 */
export function releaseMappedPages(): number {
  const path = join(tfjsNodeFolder, pagesAddonFile);
  if (!existsSync(path)) return 0;
  const addon = require(path) as { releaseMappedPages(): number };
  return addon.releaseMappedPages();
}
