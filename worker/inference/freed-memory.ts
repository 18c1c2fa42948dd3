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
    overwriteFreedBuffers();
  }, DELAY_MS).unref();
}

/** malloc keeps up to seven freed pieces of each of the small sizes apart, for the next piece of that size. */
const SMALL = { step: 16, most: 1040 };
const LARGEST = 256 * 1024;
const EACH = 16;

/**
 * Memory outside of V8, such as that of messages, is freed as it was: zeros take the place of what was freed
 * last, and go in turn. Older pieces are overwritten as the process works on.
 */
function overwriteFreedBuffers(): void {
  const zeros: Buffer[] = [];
  // Not by `new Uint8Array`: calloc takes none of malloc's small pieces.
  const take = (size: number): void => {
    for (let i = 0; i < EACH; i++) zeros.push(Buffer.allocUnsafeSlow(size).fill(0));
  };
  for (let size = SMALL.step; size <= SMALL.most; size += SMALL.step) take(size);
  for (let size = 2048; size <= LARGEST; size *= 2) take(size);
}
