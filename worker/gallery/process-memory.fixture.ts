/** Looks for bytes in the memory of another process of this user, where Linux allows it. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const MOST_REGION_BYTES = 512 * 1024 * 1024;

/** @returns how often the bytes are there */
export function inMemoryOf(pid: number, needle: Buffer): number {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  let count = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const size = Number.parseInt(to, 16) - Number.parseInt(from, 16);
      if (size > MOST_REGION_BYTES) continue;
      const bytes = Buffer.alloc(size);
      try {
        readSync(memory, bytes, 0, size, Number.parseInt(from, 16));
      } catch {
        continue; // Mapped, and not readable.
      }
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) count += 1;
    }
  } finally {
    closeSync(memory);
  }
  return count;
}
