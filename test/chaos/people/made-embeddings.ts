/** Embeddings of nobody, which a gallery takes like those of people. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Chance } from '../faults/faults.ts';

const CALL_MS = 30_000;
const AGAIN_MS = 300;
/** Where no gallery says whose embeddings it holds: the workers of such a run do not look at them. */
const ANY = { encoder: 'facenet', length: 8 };

const exportSchema = z.object({ encoder: z.string(), length: z.int() });

/** What the gallery says of its embeddings; a run whose workers search waits until there is one. */
export async function whoseEmbeddings(url: string, searches: boolean, signal: AbortSignal) {
  while (!signal.aborted) {
    try {
      const response = await fetch(new URL('v1/people/export', url), {
        signal: AbortSignal.timeout(CALL_MS),
      });
      const [first = ''] = (await response.text()).split('\n');
      if (response.ok && first !== '') return exportSchema.parse(JSON.parse(first));
      // 404: no worker has published its people yet.
      if ((response.ok || response.status === 404) && !searches) return ANY;
    } catch {
      // A fault is in the way.
    }
    await delay(AGAIN_MS);
  }
  return ANY;
}

/** A random vector of length 1: in many dimensions it is far from every other one. */
export function directionOf(length: number, chance: Chance): Float32Array {
  // Box-Muller.
  const numbers = Float32Array.from(
    { length },
    () => Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance()),
  );
  const size = Math.hypot(...numbers);
  return numbers.map((number) => number / size);
}
