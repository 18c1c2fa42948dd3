/**
 * The embeddings of one part of a gallery, with what a search needs of them. Never changed, so that
 * several galleries may share it. Knows nothing of people.
 */
import { AllRows } from './all-rows.ts';
import { distanceOf, products, squaredDistance, squareOf } from './exact.ts';
import { HalfBytes } from './half-bytes.ts';
import type { Query } from './query.ts';
import type { RowSearch } from './row-search.ts';
import { Shortlist } from './shortlist.ts';

/** Number of embeddings from which most are ruled out before the comparison; fewer take at most 2 ms. */
export const SHORTLIST_FROM = 4096;

export class FaceBlock {
  /** Numbers of an embedding. */
  readonly length: number;
  /** How many embeddings there are. */
  readonly rows: number;
  readonly #embeddings: Float32Array;
  readonly #search: RowSearch;
  /** What `#search` looked from. */
  #last: Query | undefined;
  readonly #isMapped: boolean;

  /**
   * @param embeddings [rows, length], not copied: must not change
   * @param length numbers of an embedding
   * @param search of these rows
   * @param isMapped whether the embeddings are a file's, which cannot be written to
   */
  constructor(embeddings: Float32Array, length: number, search: RowSearch, isMapped = false) {
    this.length = length;
    this.rows = rowsOf(embeddings, length);
    this.#embeddings = embeddings;
    this.#search = search;
    this.#isMapped = isMapped;
  }

  /**
   * @param embeddings [rows, length], not copied: must not change
   * @param length numbers of an embedding
   * @param shortlistFrom the least number of embeddings for a shortlist; it changes no answer
   * @param isMapped whether the embeddings are a file's, which cannot be written to
   * @throws {RangeError} when they hold a value that is not a number
   */
  static of(
    embeddings: Float32Array,
    length: number,
    shortlistFrom = SHORTLIST_FROM,
    isMapped = false,
  ): FaceBlock {
    const rows = rowsOf(embeddings, length);
    const isLarge = rows > 0 && rows >= shortlistFrom;
    const search =
      (isLarge ? shortlistOf(embeddings, length) : undefined) ?? new AllRows(embeddings, length);
    return new FaceBlock(embeddings, length, search, isMapped);
  }

  row(row: number): Float32Array {
    return this.#embeddings.subarray(row * this.length, (row + 1) * this.length);
  }

  /** What finds the rows that can be near this embedding. */
  searchFrom(query: Query): RowSearch {
    if (query !== this.#last) {
      this.#search.lookFrom(query);
      this.#last = query;
    }
    return this.#search;
  }

  /** Squared distance to each of the rows. */
  squaresTo({ embedding, square: own }: Query, rows: Uint32Array): Float64Array {
    const found = products(embedding, this.#embeddings, rows);
    for (let at = 0; at < rows.length; at++) {
      found[at] = squaredDistance(own, squareOf(this.row(rows[at]!)), found[at]!);
    }
    return found;
  }

  /** Overwrites what this process holds of the faces; the block must not be searched any more. */
  clear(): void {
    if (!this.#isMapped) this.#embeddings.fill(0);
    this.#search.clear();
    this.#last?.clear();
    this.#last = undefined;
  }

  distance(embedding: Float32Array, row: number): number {
    return distanceOf(embedding, this.row(row));
  }
}

function rowsOf(embeddings: Float32Array, length: number): number {
  if (Number.isInteger(length) && length > 0 && embeddings.length % length === 0) {
    return embeddings.length / length;
  }
  throw new RangeError(`${embeddings.length} numbers are not embeddings of ${length} each.`);
}

/** @returns undefined where this machine has no SIMD or no memory for it */
function shortlistOf(embeddings: Float32Array, length: number): Shortlist | undefined {
  const rows = embeddings.length / length;
  const packed = HalfBytes.open(rows, length);
  if (packed === undefined) return undefined;
  packed.packAll(embeddings);
  return new Shortlist(packed, rows);
}
