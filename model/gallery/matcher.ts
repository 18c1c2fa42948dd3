/**
 * Who of the known people is nearest: exact Euclidean distance over every embedding that is not surely too
 * far. Knows nothing of photos and files.
 */

import type { Gallery } from './gallery.ts';
import { Shortlist } from './shortlist.ts';

/** A known person and how far away; from which distance on it is a stranger depends on the encoder. */
export interface Neighbour {
  readonly name: string;
  /** Euclidean distance of two embeddings */
  readonly distance: number;
}

/** More than float32 embeddings leave of a squared distance; an equally near person is never settled. */
const ROUNDING = 1e-9;

/** From so many embeddings on most are ruled out before the comparison; fewer take 2 ms at most. */
const SHORTLIST_FROM = 4096;
/** Whoever asks for more people than this gets them by comparing with all: no list is short then. */
const SHORTLIST_PEOPLE = 100;

const NONE = 0xffffffff;

/** Finds people; built once a gallery. */
export class Matcher {
  readonly #names: string[];
  readonly #personOf: Uint32Array;
  readonly #embeddings: Float32Array;
  /** Numbers of an embedding. */
  readonly #length: number;
  /** squared length of each embedding */
  readonly #squares: Float64Array;
  readonly #allRows: Uint32Array;
  readonly #shortlist: Shortlist | undefined;
  /** While people are compared: where the nearest row of each person lies among those looked at. */
  readonly #nearestAt: Uint32Array;

  /** @param shortlistFrom the least number of embeddings for a shortlist; it changes no answer */
  constructor(
    { names, embeddings }: Pick<Gallery, 'names' | 'embeddings'>,
    shortlistFrom: number = SHORTLIST_FROM,
  ) {
    const persons = new Map<string, number>();
    this.#personOf = Uint32Array.from(names, (name) => {
      const person = persons.get(name) ?? persons.size;
      persons.set(name, person);
      return person;
    });
    this.#names = [...persons.keys()];
    this.#nearestAt = new Uint32Array(persons.size).fill(NONE);
    this.#embeddings = embeddings;
    const length = embeddings.length / names.length;
    this.#length = length;
    this.#allRows = Uint32Array.from(names.keys());
    this.#squares = new Float64Array(names.length).map((_, row) =>
      squareOf(embeddings.subarray(row * length, (row + 1) * length)),
    );
    if (names.length >= shortlistFrom) this.#shortlist = Shortlist.of(embeddings, this.#squares);
  }

  /** How many people there are; several embeddings of one person count once. */
  get people(): number {
    return this.#names.length;
  }

  /**
   * The `count` nearest people, nearest first; a person is as near as the nearest of their
   * embeddings; of equally near ones the first in the gallery comes first.
   * @param embedding of the gallery's length
   */
  nearest(embedding: Float32Array, count: number): Neighbour[] {
    const own = this.#requireEmbedding(embedding);
    const people = Math.min(count, this.people);
    const rows = this.#nearRows(embedding, own, people);
    const squares = this.#squaresTo(embedding, own, rows);
    const nearestAt = this.#nearestAt;
    const found: number[] = [];
    for (let at = 0; at < rows.length; at++) {
      const person = this.#personOf[rows[at]!]!;
      if (nearestAt[person] === NONE) found.push(person);
      else if (!(squares[at]! < squares[nearestAt[person]!]!)) continue;
      nearestAt[person] = at;
    }
    // As in the gallery: of a shortlist, the first row of a person is not always the person's first.
    if (rows !== this.#allRows) found.sort((a, b) => a - b);
    const order = leastIndices(
      found.map((person) => squares[nearestAt[person]!]!),
      people,
    );
    const neighbours = order.map((index) => {
      const person = found[index]!;
      const row = rows[nearestAt[person]!]!;
      return { name: this.#names[person]!, distance: this.#distance(embedding, row) };
    });
    for (const person of found) nearestAt[person] = NONE;
    return neighbours.sort((a, b) => a.distance - b.distance);
  }

  /**
   * Whether the nearest person is surely the nearest to any point within `bound` of the embedding. A step
   * s takes |e − b|² − |e − a|² down by 2 s·(b − a), at most 2 · bound · |b − a|: for the nearest embedding
   * a, and each b of another person, the difference must be more than that.
   * @param embedding of the gallery's length
   * @param bound Euclidean distance
   * @param threshold where given, it must also be settled on which side of it the nearest distance is
   */
  isSettled(embedding: Float32Array, bound: number, threshold?: number): boolean {
    const own = this.#requireEmbedding(embedding);
    const near = this.#nearRows(embedding, own, 1);
    const squares = this.#squaresTo(embedding, own, near);
    const [least = 0] = leastIndices(squares, 1);
    const [a, square] = [near[least]!, squares[least]!];
    const nearest = Math.sqrt(Math.max(square, 0));
    // Within `bound` of the embedding, no distance changes by more than `bound`.
    if (threshold !== undefined && Math.abs(nearest - threshold) <= bound + ROUNDING) return false;
    // |b − a| is at most the sum of both distances: most people are too far for more to be computed.
    const far = this.#shortlist?.within((nearest + 2 * bound) ** 2 + ROUNDING);
    const rows = far ?? near;
    const found = far === undefined ? squares : this.#squaresTo(embedding, own, far);
    for (const [at, row] of rows.entries()) {
      if (this.#personOf[row] === this.#personOf[a]) continue;
      if (Math.sqrt(Math.max(found[at]!, 0)) - nearest > 2 * bound) continue;
      const apart = this.#distance(this.#row(row), a);
      if (found[at]! - square <= 2 * bound * apart + ROUNDING) return false;
    }
    return true;
  }

  /**
   * @returns its squared length
   * @throws {RangeError} when it is not an embedding of this gallery's encoder
   */
  #requireEmbedding(embedding: Float32Array): number {
    if (embedding.length !== this.#length) {
      throw new RangeError(`An embedding has ${this.#length} values, not ${embedding.length}.`);
    }
    const square = squareOf(embedding);
    if (Number.isFinite(square)) return square;
    throw new RangeError('An embedding holds a value that is not a number.');
  }

  /** In their order, rows among which are all those as near as the `people` nearest people. */
  #nearRows(embedding: Float32Array, own: number, people: number): Uint32Array {
    if (this.#shortlist === undefined || people > SHORTLIST_PEOPLE) return this.#allRows;
    this.#shortlist.lookFrom(embedding, own);
    const likely = Uint32Array.from(this.#shortlist.likely(this.#personOf, people));
    // So many people are as near as this, so that nobody further away is one of the nearest.
    return this.#shortlist.within(Math.max(...this.#squaresTo(embedding, own, likely)));
  }

  #row(row: number): Float32Array {
    return this.#embeddings.subarray(row * this.#length, (row + 1) * this.#length);
  }

  /** Squared distance to each of the rows by |a - b|² = |a|² + |b|² - 2ab: one product a value. */
  #squaresTo(embedding: Float32Array, own: number, rows: Uint32Array): Float64Array {
    const found = new Float64Array(rows.length);
    products(embedding, this.#embeddings, rows, found);
    for (let at = 0; at < rows.length; at++) {
      found[at] = own + this.#squares[rows[at]!]! - 2 * found[at]!;
    }
    return found;
  }

  /** By differences: the short formula loses digits where two embeddings are nearly the same. */
  #distance(embedding: Float32Array, row: number): number {
    let sum = 0;
    const from = row * this.#length;
    for (let at = 0; at < this.#length; at++) {
      const difference = embedding[at]! - this.#embeddings[from + at]!;
      sum += difference * difference;
    }
    return Math.sqrt(sum);
  }
}

/**
 * Of the embedding with each of the rows; four at once read its values once: two thirds of the time. Each
 * sum has one order, whoever its neighbours are, so that a row's answer does not depend on the others.
 */
function products(
  embedding: Float32Array,
  matrix: Float32Array,
  rows: Uint32Array,
  into: Float64Array,
): void {
  const length = embedding.length;
  const last = rows.length - 1;
  for (let at = 0; at < rows.length; at += 4) {
    // At the end the last row stands in for those that are missing.
    const from0 = rows[at]! * length;
    const from1 = rows[Math.min(at + 1, last)]! * length;
    const from2 = rows[Math.min(at + 2, last)]! * length;
    const from3 = rows[Math.min(at + 3, last)]! * length;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let index = 0; index < length; index++) {
      const value = embedding[index]!;
      sum0 += value * matrix[from0 + index]!;
      sum1 += value * matrix[from1 + index]!;
      sum2 += value * matrix[from2 + index]!;
      sum3 += value * matrix[from3 + index]!;
    }
    into[at] = sum0;
    // Beyond the end of a typed array nothing is written.
    into[at + 1] = sum1;
    into[at + 2] = sum2;
    into[at + 3] = sum3;
  }
}

/** Four sums side by side: the processor need not wait for one addition to begin the next. */
function squareOf(embedding: Float32Array): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
  for (let at = 0; at < embedding.length; at += 4) {
    sum0 += embedding[at]! * embedding[at]!;
    sum1 += embedding[at + 1]! * embedding[at + 1]!;
    sum2 += embedding[at + 2]! * embedding[at + 2]!;
    sum3 += embedding[at + 3]! * embedding[at + 3]!;
  }
  return sum0 + sum1 + sum2 + sum3;
}

/** Indices of the `count` least values, least first, of equal ones the first first. */
function leastIndices(values: ArrayLike<number>, count: number): number[] {
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
