/** Seeded random numbers: equal seeds give equal faults. */

/** Uniform in [0, 1). */
export type Chance = () => number;

/** "mulberry32" (T. Ettinger, public domain): 32 bits of state are enough for a schedule. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function between(chance: Chance, low: number, high: number): number {
  return low + (high - low) * chance();
}

/** One of them; undefined when there is none. */
export function oneOf<T>(chance: Chance, items: readonly T[]): T | undefined {
  return items[Math.floor(chance() * items.length)];
}
