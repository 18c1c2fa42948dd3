/**
 * Loads the project's own small addons, each compiled from one C++ file. Every caller works without its addon,
 * slower or with more memory.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import { type OwnAddon, ownAddons, tfjsNodeFolder } from './paths.ts';

const unusable = new Set<string>();
const require = createRequire(import.meta.url);

export function ownAddonPath(addon: OwnAddon): string {
  return join(tfjsNodeFolder, ownAddons[addon].file);
}

/**
 * @returns the addon's functions; undefined if it was not compiled, or if it was for another system, as in a copied
 * folder of packages, which a warning of the process says once
 */
export function loadOwnAddon<Functions>(addon: OwnAddon): Functions | undefined {
  return loadAddonAt(ownAddonPath(addon));
}

/** The same of a file. */
export function loadAddonAt<Functions>(path: string): Functions | undefined {
  if (unusable.has(path) || !existsSync(path)) return undefined;
  try {
    return require(path) as Functions;
  } catch (error) {
    unusable.add(path);
    process.emitWarning(
      `${path} cannot be loaded (${messageOf(error)}): \`${commandLine('setup-native')}\` compiles it again. Until then all works without it.`,
    );
    return undefined;
  }
}
