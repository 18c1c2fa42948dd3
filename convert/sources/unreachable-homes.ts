/**
 * Which homes of files did not answer a short while ago, so that each further file, and each further
 * start on a network that swallows packets, does not wait for them again.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

export const FORGET_AFTER_MS = 15 * 60_000;

/** When each origin was last found silent, in milliseconds since the epoch. */
const recordSchema = z.record(z.string(), z.number());

/** What this process found, also where the file cannot be written. */
const foundHere = new Map<string, number>();

export interface SilentHomes {
  /** @returns when it was found silent; undefined where it may be asked */
  since(origin: string): Promise<Date | undefined>;
  remember(origin: string): Promise<void>;
}

/**
 * @param file keeps them from one process to the next
 * @param ask ignore what earlier processes found: somebody expects an answer now
 */
export function silentHomes(
  file: string,
  { ask = false, now = Date.now }: { ask?: boolean | undefined; now?: () => number } = {},
): SilentHomes {
  const known = async (): Promise<Record<string, number>> => {
    const text = await readFile(file, 'utf8').catch(() => '{}');
    return recordSchema.catch({}).parse(parsed(text));
  };
  return {
    async since(origin) {
      const at = foundHere.get(origin) ?? (ask ? undefined : (await known())[origin]);
      const age = at === undefined ? Number.POSITIVE_INFINITY : now() - at;
      // A clock that was set back makes it no older.
      return at === undefined || age < 0 || age > FORGET_AFTER_MS ? undefined : new Date(at);
    },
    async remember(origin) {
      foundHere.set(origin, now());
      const record = { ...(await known()), [origin]: now() };
      await mkdir(dirname(file), { recursive: true })
        .then(() => writeFile(file, `${JSON.stringify(record)}\n`))
        .catch(() => undefined); // Then the next process waits once more.
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
