/** People made up for galleries of any size. Seeded; knows no clock and no files. */

/** As many numbers as facenet's embeddings have: the galleries of this bench are of that size. */
export const EMBEDDING_LENGTH = 512;

/**
 * Where the people lie: `like-real` with the mean and the covariance of real ones, whose embeddings leave
 * most of the 512 directions nearly empty and lie close to each other; `everywhere` in all directions alike.
 */
export const spreads = ['like-real', 'everywhere'] as const;
export type Spread = (typeof spreads)[number];

/** Real people a made one is mixed of. */
const PARTS = 8;
/** A photo of somebody lies about this far from another of the same person. */
const SAME_PERSON = 0.7;

export class MadePeople {
  readonly #spread: Spread;
  readonly #mean = new Float64Array(EMBEDDING_LENGTH);
  /** [people, 512]: how each real person differs from the mean */
  readonly #differences: Float64Array;
  #state: number;

  /** @param real [people, 512] */
  constructor(real: Float32Array, spread: Spread, seed = 1) {
    this.#spread = spread;
    this.#state = seed;
    const people = real.length / EMBEDDING_LENGTH;
    for (const [at, value] of real.entries()) this.#mean[at % EMBEDDING_LENGTH]! += value / people;
    this.#differences = Float64Array.from(
      real,
      (value, at) => value - this.#mean[at % EMBEDDING_LENGTH]!,
    );
  }

  /** [count, 512] */
  people(count: number): Float32Array {
    const all = new Float32Array(count * EMBEDDING_LENGTH);
    for (let person = 0; person < count; person++) {
      const row = all.subarray(person * EMBEDDING_LENGTH, (person + 1) * EMBEDDING_LENGTH);
      if (this.#spread === 'everywhere') {
        for (let at = 0; at < EMBEDDING_LENGTH; at++) row[at] = this.#random() * 2 - 1;
      } else {
        this.#mix(row);
      }
      toLengthOne(row);
    }
    return all;
  }

  /** Another photo of one of them: a step to where another person lies. */
  known(people: Float32Array): Float32Array {
    const from = this.#below(people.length / EMBEDDING_LENGTH) * EMBEDDING_LENGTH;
    const person = people.subarray(from, from + EMBEDDING_LENGTH);
    const other = this.people(1);
    let cosine = 0;
    for (let at = 0; at < EMBEDDING_LENGTH; at++) cosine += person[at]! * other[at]!;
    const across = toLengthOne(other.map((value, at) => value - cosine * person[at]!));
    // Of unit vectors a distance d apart, the cosine is 1 - d²/2.
    const along = 1 - SAME_PERSON ** 2 / 2;
    const step = Math.sqrt(1 - along ** 2);
    return person.map((value, at) => along * value + step * across[at]!);
  }

  #mix(row: Float32Array): void {
    row.set(this.#mean);
    for (let part = 0; part < PARTS; part++) {
      const from = this.#below(this.#differences.length / EMBEDDING_LENGTH) * EMBEDDING_LENGTH;
      // Nearly normal, of variance 1; divided so that all parts have that together.
      const normal = 2 * (this.#random() + this.#random() + this.#random() - 1.5);
      const weight = normal / Math.sqrt(PARTS);
      for (let at = 0; at < EMBEDDING_LENGTH; at++) {
        row[at]! += weight * this.#differences[from + at]!;
      }
    }
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** mulberry32, evenly from 0 to 1 */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

function toLengthOne(row: Float32Array): Float32Array {
  let sum = 0;
  for (const value of row) sum += value * value;
  const factor = 1 / Math.sqrt(sum);
  for (let at = 0; at < row.length; at++) row[at]! *= factor;
  return row;
}
