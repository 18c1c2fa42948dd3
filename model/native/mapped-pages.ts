/**
 * Hands back the file pages of the program and its libraries that only loading them touched: nine tenths
 * of TensorFlow's, which are read once while it is relocated and its kernels register. They stay in the
 * system's page cache, and one that is needed again is mapped again without being read. An addon of the
 * project's own does it; where it could not be compiled, the pages stay.
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
 * Compiles the addon into tfjs-node's folder unless it is there.
 * @returns false where there is no compiler, or the system is not Linux
 * @throws {NativeError} when the compiler fails, quoting it
 */
export async function addPagesAddon(tfjsNode: string): Promise<boolean> {
  if (platform() !== 'linux') return false;
  const target = join(tfjsNode, pagesAddonFile);
  if (existsSync(target)) return true;
  const { compiler } = await findTools();
  if (compiler === undefined) return false;
  await mkdir(dirname(target), { recursive: true });
  // Renamed when whole: another install, or a worker that starts, may look for it meanwhile.
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
 * For a process that has just started and runs for long. Takes some ms, and about 10 ms of the next
 * computation, which maps again what it needs.
 * @returns bytes of the segments that were handed back, mapped or not; 0 without the addon
 */
export function releaseMappedPages(): number {
  const path = join(tfjsNodeFolder, pagesAddonFile);
  if (!existsSync(path)) return 0;
  const addon = require(path) as { releaseMappedPages(): number };
  return addon.releaseMappedPages();
}
