/** Keeps what Node makes of the sources for the next start. Knows nothing of what is loaded. */
import module from 'node:module';
import { join } from 'node:path';
import { folders } from './folders.ts';

/**
 * What is imported from now on is kept, types taken out and compiled, in the user's cache: an instance is
 * ready the sooner. Where that cannot be written, nothing is kept and nothing else changes.
 */
export function keepCompiled(): void {
  module.enableCompileCache?.(join(folders.cache, 'compiled'));
}

/** For a process that will be killed: else it is written at the end. */
export function writeCompiled(): void {
  module.flushCompileCache?.();
}
