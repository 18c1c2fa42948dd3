/** Compares an embedding with every row, which is as fast as a shortlist for small galleries. */
import { products, squaredDistance, squareOf } from './exact.ts';
import type { Query } from './query.ts';
import { leastRows, type RowSearch } from './row-search.ts';

export class AllRows implements RowSearch {
  readonly #embeddings: Float32Array;
  /** squared length of each */
  readonly #squares: Float64Array;
  readonly #rows: Uint32Array;
  /** Squared distances to the last embedding. */
  readonly #found: Float64Array;

  /**
   * @param embeddings [rows, length], not copied
   * @throws {RangeError} when one holds a value that is not a number
   */
  constructor(embeddings: Float32Array, length: number) {
    this.#embeddings = embeddings;
    const rows = embeddings.length / length;
    this.#rows = Uint32Array.from({ length: rows }, (_, row) => row);
    this.#found = new Float64Array(rows);
    this.#squares = new Float64Array(rows).map((_, row) =>
      squareOf(embeddings.subarray(row * length, (row + 1) * length)),
    );
    if (this.#squares.every(Number.isFinite)) return;
    throw new RangeError('An embedding of the gallery holds a value that is not a number.');
  }

  lookFrom({ embedding, square: own }: Query): void {
    const found = products(embedding, this.#embeddings, this.#rows);
    for (let row = 0; row < found.length; row++) {
      this.#found[row] = squaredDistance(own, this.#squares[row]!, found[row]!);
    }
  }

  likely(personOf: Uint32Array, count: number, leftOut: number): Uint32Array {
    return leastRows(this.#found, personOf, count, leftOut);
  }

  clear(): void {
    this.#found.fill(0);
  }

  within(limit: number): Uint32Array {
    return this.#rows.filter((row) => !(this.#found[row]! > limit));
  }
}
