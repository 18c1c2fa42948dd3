/**
 * Loads the project's own small addons, each compiled from one C++ file. Every caller works without its addon,
 * slower or with more memory.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type OwnAddon, ownAddons, tfjsNodeFolder } from './paths.ts';

const require = createRequire(import.meta.url);

export function ownAddonPath(addon: OwnAddon): string {
  return join(tfjsNodeFolder, ownAddons[addon].file);
}

/** @returns the addon's functions; undefined if it was not compiled */
export function loadOwnAddon<Functions>(addon: OwnAddon): Functions | undefined {
  const path = ownAddonPath(addon);
  return existsSync(path) ? (require(path) as Functions) : undefined;
}
