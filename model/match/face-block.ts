/**
 * The embeddings of one part of a gallery, with what a search needs of them. Never changed, so that
 * several galleries may share it. Knows nothing of people.
 */
import { Shortlist } from './shortlist.ts';

/** From so many embeddings on most are ruled out before the comparison; fewer take 2 ms at most. */
const SHORTLIST_FROM = 4096;

export class FaceBlock {
  /** Numbers of an embedding. */
  readonly length: number;
  /** How many embeddings there are. */
  readonly rows: number;
  readonly #embeddings: Float32Array;
  /** squared length of each embedding */
  readonly #squares: Float64Array;
  readonly #allRows: Uint32Array;
  /** Rules rows out; undefined where comparing all of them is as fast. */
  readonly shortlist: Shortlist | undefined;

  private constructor(embeddings: Float32Array, length: number, shortlistFrom: number) {
    this.length = length;
    this.rows = embeddings.length / length;
    this.#embeddings = embeddings;
    this.#allRows = Uint32Array.from({ length: this.rows }, (_, row) => row);
    this.#squares = new Float64Array(this.rows).map((_, row) => squareOf(this.row(row)));
    if (!this.#squares.every(Number.isFinite)) {
      throw new RangeError('An embedding of the gallery holds a value that is not a number.');
    }
    if (this.rows >= shortlistFrom) this.shortlist = Shortlist.of(embeddings, this.#squares);
  }

  /**
   * @param embeddings [rows, length], not copied: must not change
   * @param length numbers of an embedding
   * @param shortlistFrom the least number of embeddings for a shortlist; it changes no answer
   */
  static of(embeddings: Float32Array, length: number, shortlistFrom = SHORTLIST_FROM): FaceBlock {
    if (Number.isInteger(length) && length > 0 && embeddings.length % length === 0) {
      return new FaceBlock(embeddings, length, shortlistFrom);
    }
    throw new RangeError(`${embeddings.length} numbers are not embeddings of ${length} each.`);
  }

  row(row: number): Float32Array {
    return this.#embeddings.subarray(row * this.length, (row + 1) * this.length);
  }

  /** In their order, all rows whose squared distance may be up to `limit`; after `shortlist.lookFrom`. */
  within(limit: number): Uint32Array {
    return this.shortlist?.within(limit) ?? this.#allRows;
  }

  /**
   * Squared distance to each of the rows by |a - b|² = |a|² + |b|² - 2ab: one product a value.
   * @param own |a|²
   */
  squaresTo(embedding: Float32Array, own: number, rows: Uint32Array): Float64Array {
    const found = new Float64Array(rows.length);
    products(embedding, this.#embeddings, rows, found);
    for (let at = 0; at < rows.length; at++) {
      found[at] = own + this.#squares[rows[at]!]! - 2 * found[at]!;
    }
    return found;
  }

  /** By differences: the short formula loses digits where two embeddings are nearly the same. */
  distance(embedding: Float32Array, row: number): number {
    let sum = 0;
    const from = row * this.length;
    for (let at = 0; at < this.length; at++) {
      const difference = embedding[at]! - this.#embeddings[from + at]!;
      sum += difference * difference;
    }
    return Math.sqrt(sum);
  }
}

/**
 * Of the embedding with each of the rows; four at once read its values once: two thirds of the time. Each
 * sum has one order, independent of the other rows, so that a row's answer does not depend on them.
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
export function squareOf(embedding: Float32Array): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
  const whole = embedding.length - (embedding.length % 4);
  for (let at = 0; at < whole; at += 4) {
    sum0 += embedding[at]! * embedding[at]!;
    sum1 += embedding[at + 1]! * embedding[at + 1]!;
    sum2 += embedding[at + 2]! * embedding[at + 2]!;
    sum3 += embedding[at + 3]! * embedding[at + 3]!;
  }
  for (let at = whole; at < embedding.length; at++) sum0 += embedding[at]! * embedding[at]!;
  return sum0 + sum1 + sum2 + sum3;
}
