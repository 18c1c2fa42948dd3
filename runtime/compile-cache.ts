/** Node's compile cache, for faster starts. Knows nothing about what is loaded. */
import module from 'node:module';
import { join } from 'node:path';
import { folders } from './folders.ts';

/**
 * Modules imported from now on are kept compiled, without types, in the user's cache: an instance is
 * ready sooner. If the cache cannot be written, nothing is kept and nothing else changes.
 */
export function keepCompiled(): void {
  module.enableCompileCache?.(join(folders.cache, 'compiled'));
}

/** For a process that will be killed; otherwise the cache is written at exit. */
export function writeCompiled(): void {
  module.flushCompileCache?.();
}
