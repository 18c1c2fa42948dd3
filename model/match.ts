/**
 * Who of the known people is nearest: exact Euclidean distance over every embedding. Knows nothing of
 * photos and files.
 */

import { EMBEDDING_LENGTH } from './format.ts';
import type { Gallery } from './gallery.ts';

/** A known person and how far away: below about 1 the same person is likely, from 1 on a stranger. */
export interface Neighbour {
  readonly name: string;
  /** Euclidean distance of two embeddings of length 1: 0 to 2 */
  readonly distance: number;
}

/** More than float32 embeddings leave of a squared distance; an equally near person is never settled. */
const ROUNDING = 1e-9;

/** Finds people; built once a gallery. */
export class Matcher {
  readonly #names: string[];
  readonly #personOf: Uint32Array;
  readonly #embeddings: Float32Array;
  /** squared length of each embedding */
  readonly #squares: Float64Array;
  /** Of the last comparison: squared distance to each embedding. */
  readonly #found: Float64Array;

  constructor({ names, embeddings }: Gallery) {
    const persons = new Map<string, number>();
    this.#personOf = Uint32Array.from(names, (name) => {
      const person = persons.get(name) ?? persons.size;
      persons.set(name, person);
      return person;
    });
    this.#names = [...persons.keys()];
    this.#embeddings = embeddings;
    this.#found = new Float64Array(names.length);
    this.#squares = new Float64Array(names.length).map((_, row) =>
      dot(embeddings, row * EMBEDDING_LENGTH, embeddings, row * EMBEDDING_LENGTH),
    );
  }

  /** How many people there are; several embeddings of one person count once. */
  get people(): number {
    return this.#names.length;
  }

  /**
   * The `count` nearest people, nearest first; a person is as near as the nearest of their
   * embeddings; of equally near ones the first in the gallery comes first.
   * @param embedding [512]
   */
  nearest(embedding: Float32Array, count: number): Neighbour[] {
    if (embedding.length !== EMBEDDING_LENGTH) {
      throw new RangeError(`An embedding has ${EMBEDDING_LENGTH} values, not ${embedding.length}.`);
    }
    const { rows, squares } = this.#nearestRowOfEach(embedding);
    return leastIndices(squares, Math.min(count, squares.length))
      .map((person) => ({
        name: this.#names[person]!,
        distance: this.#distance(embedding, rows[person]!),
      }))
      .sort((a, b) => a.distance - b.distance);
  }

  /**
   * Whether the nearest person is surely the nearest to any point within `bound` of the embedding. A step
   * s takes |e − b|² − |e − a|² down by 2 s·(b − a), at most 2 · bound · |b − a|: for the nearest embedding
   * a, and each b of another person, the difference must be more than that.
   * @param embedding [512]
   * @param bound Euclidean distance
   * @param threshold where given, it must also be settled on which side of it the nearest distance is
   */
  isSettled(embedding: Float32Array, bound: number, threshold?: number): boolean {
    this.#nearestRowOfEach(embedding);
    const found = this.#found;
    let a = 0;
    for (let row = 1; row < found.length; row++) if (found[row]! < found[a]!) a = row;
    const nearest = Math.sqrt(Math.max(found[a]!, 0));
    // Within `bound` of the embedding, no distance changes by more than `bound`.
    if (threshold !== undefined && Math.abs(nearest - threshold) <= bound + ROUNDING) return false;
    for (let row = 0; row < found.length; row++) {
      if (this.#personOf[row] === this.#personOf[a]) continue;
      // |b − a| is at most the sum of both distances: most people are too far for more to be computed.
      if (Math.sqrt(Math.max(found[row]!, 0)) - nearest > 2 * bound) continue;
      const apart = this.#distance(this.#row(row), a);
      if (found[row]! - found[a]! <= 2 * bound * apart + ROUNDING) return false;
    }
    return true;
  }

  #row(row: number): Float32Array {
    return this.#embeddings.subarray(row * EMBEDDING_LENGTH, (row + 1) * EMBEDDING_LENGTH);
  }

  /** Squared distance of each person by |a - b|² = |a|² + |b|² - 2ab: one product a value. */
  #nearestRowOfEach(embedding: Float32Array): { rows: Uint32Array; squares: Float64Array } {
    const rows = new Uint32Array(this.#names.length);
    const squares = new Float64Array(this.#names.length).fill(Number.POSITIVE_INFINITY);
    const own = dot(embedding, 0, embedding, 0);
    if (!Number.isFinite(own))
      throw new RangeError('An embedding holds a value that is no number.');
    products(embedding, this.#embeddings, this.#found);
    for (let row = 0; row < this.#personOf.length; row++) {
      const square = own + this.#squares[row]! - 2 * this.#found[row]!;
      this.#found[row] = square;
      const person = this.#personOf[row]!;
      if (square < squares[person]!) {
        squares[person] = square;
        rows[person] = row;
      }
    }
    return { rows, squares };
  }

  /** By differences: the short formula loses digits where two embeddings are nearly the same. */
  #distance(embedding: Float32Array, row: number): number {
    let sum = 0;
    const from = row * EMBEDDING_LENGTH;
    for (let at = 0; at < EMBEDDING_LENGTH; at++) {
      const difference = embedding[at]! - this.#embeddings[from + at]!;
      sum += difference * difference;
    }
    return Math.sqrt(sum);
  }
}

/** Of the embedding with every row; four rows at once read its values once: two thirds of the time. */
function products(embedding: Float32Array, rows: Float32Array, into: Float64Array): void {
  let row = 0;
  for (; row + 4 <= into.length; row += 4) {
    const from0 = row * EMBEDDING_LENGTH;
    const from1 = from0 + EMBEDDING_LENGTH;
    const from2 = from1 + EMBEDDING_LENGTH;
    const from3 = from2 + EMBEDDING_LENGTH;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let at = 0; at < EMBEDDING_LENGTH; at++) {
      const value = embedding[at]!;
      sum0 += value * rows[from0 + at]!;
      sum1 += value * rows[from1 + at]!;
      sum2 += value * rows[from2 + at]!;
      sum3 += value * rows[from3 + at]!;
    }
    into[row] = sum0;
    into[row + 1] = sum1;
    into[row + 2] = sum2;
    into[row + 3] = sum3;
  }
  for (; row < into.length; row++) {
    into[row] = dot(embedding, 0, rows, row * EMBEDDING_LENGTH);
  }
}

/** Four sums side by side: the processor need not wait for one addition to begin the next. */
function dot(a: Float32Array, fromA: number, b: Float32Array, fromB: number): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let at = 0; at < EMBEDDING_LENGTH; at += 4) {
    sum0 += a[fromA + at]! * b[fromB + at]!;
    sum1 += a[fromA + at + 1]! * b[fromB + at + 1]!;
    sum2 += a[fromA + at + 2]! * b[fromB + at + 2]!;
    sum3 += a[fromA + at + 3]! * b[fromB + at + 3]!;
  }
  return sum0 + sum1 + sum2 + sum3;
}

/** Indices of the `count` least values, least first, of equal ones the first first. */
function leastIndices(values: Float64Array, count: number): number[] {
  const least: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (least.length === count) {
      if (count === 0 || values[index]! >= values[least[count - 1]!]!) continue;
      least.pop();
    }
    let at = least.length;
    while (at > 0 && values[least[at - 1]!]! > values[index]!) at--;
    least.splice(at, 0, index);
  }
  return least;
}
