/** Generated people for galleries of any size, from a seed. */

/** Length of facenet's embeddings, which the galleries of this bench have. */
export const EMBEDDING_LENGTH = 512;

/**
 * How the people are distributed: `like-real` with the mean and covariance of real embeddings, which leave most
 * of the 512 directions nearly empty and are close to each other; `everywhere` evenly in all directions.
 */
export const spreads = ['like-real', 'everywhere'] as const;
export type Spread = (typeof spreads)[number];

/** Number of real people that a generated one is mixed from. */
const PARTS = 8;
/** Typical distance between two photos of one person. */
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

  /** Another photo of one of them: a step towards another person. */
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
      // Nearly normal with variance 1, divided so that the sum of all parts has variance 1.
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

  /** mulberry32, uniform in 0 to 1 */
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
