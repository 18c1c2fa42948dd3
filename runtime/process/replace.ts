/**
 * Puts a fresh image of this program in place of the running one, with the same process id, arguments and
 * output. What was in its memory is gone for certain: also copies in freed memory, which no program can
 * find and overwrite.
 */
import { PARENT_PID } from './exit.ts';

/** Not on Windows, nor before Node 22.15. */
export const canReplaceProcess =
  typeof process.execve === 'function' && process.platform !== 'win32';

/** Call it when everything is closed: connections and files end with the image. */
export function replaceProcess(): never {
  const { execPath, execArgv, argv, env, connected, ppid } = process;
  // The channel ends too: the parent is recognised by its id.
  const parent = connected ? { [PARENT_PID]: String(ppid) } : {};
  process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, ...parent });
  throw new Error('A process cannot be replaced on this system.');
}
