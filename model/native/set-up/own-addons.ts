/** Compiles the project's own addons into tfjs-node's folder. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { type OwnAddon, ownAddons } from '../paths.ts';
import { compileModule } from './addon.ts';
import { findTools } from './tools.ts';

const SOURCES = join(import.meta.dirname, '..');

/** Whether the addon is for this system, and for that processor. */
export function isForMachine(addon: OwnAddon, processor: NodeJS.Architecture = arch()): boolean {
  const only = ownAddons[addon];
  return platform() === 'linux' && (!('processor' in only) || only.processor === processor);
}

/**
 * Compiles an addon, if it is not there or is older than its source.
 * @returns false without a compiler, or on another system or processor than the addon is for
 * @throws {NativeError} when the compiler fails, quoting it
 */
export async function addOwnAddon(
  addon: OwnAddon,
  tfjsNode: string,
  processor: NodeJS.Architecture = arch(),
): Promise<boolean> {
  const { source, file } = ownAddons[addon];
  if (!isForMachine(addon, processor)) return false;
  const target = join(tfjsNode, file);
  const path = join(SOURCES, source);
  if (existsSync(target) && (await changedAt(path)) <= (await stat(target)).mtimeMs) return true;
  const { compiler } = await findTools();
  if (compiler === undefined) return false;
  await mkdir(dirname(target), { recursive: true });
  // Compiled under another name and renamed: another installation or a worker may look for it at this time.
  const fresh = `${target}.${process.pid}`;
  try {
    await compileModule(compiler, fresh, [path]);
    await rename(fresh, target);
  } finally {
    await rm(fresh, { force: true });
  }
  return true;
}

/** ms: when the source, or a header beside it, last changed. */
async function changedAt(source: string): Promise<number> {
  const folder = dirname(source);
  const headers = (await readdir(folder)).filter((file) => /\.(?:h|inc)$/.test(file));
  const times = [source, ...headers.map((file) => join(folder, file))].map(
    async (file) => (await stat(file)).mtimeMs,
  );
  return Math.max(...(await Promise.all(times)));
}
