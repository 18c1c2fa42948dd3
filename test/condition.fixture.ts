/** Waits for a condition instead of for a time. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Resolves with the first value that is neither false nor undefined.
 * @throws when none came within the limit, naming what was waited for
 */
export async function until<T>(
  what: string,
  read: () => T | undefined | false | Promise<T | undefined | false>,
  { limitMs = 15_000, everyMs = 20 } = {},
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`Waited ${limitMs} ms in vain for: ${what}`);
    await delay(everyMs);
  }
}
