/**
 * Makes this process forget what it no longer uses: people who were forgotten must not stay in freed memory.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Several changes in a row are followed by one collection. */
const DELAY_MS = 500;

let collect: (() => void) | undefined;
let timer: NodeJS.Timeout | undefined;

/** From now on V8 overwrites memory that it frees. Call it before there is anything to forget. */
export function overwriteFreedMemory(): void {
  if (collect !== undefined) return;
  setFlagsFromString('--clear-free-memory');
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as () => void;
}

/** Frees, and so overwrites, what is not referenced any more: soon, once for several calls. */
export function clearFreedMemory(): void {
  overwriteFreedMemory();
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    collect?.();
  }, DELAY_MS).unref();
}
