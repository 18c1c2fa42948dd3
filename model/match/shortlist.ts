/**
 * Which rows of a large gallery can be near an embedding at all, from a copy of them in half bytes: first
 * from the upper halves of all, an eighth of the bytes; then, for those that are left, from both halves.
 * Rules rows out, never in: the rows that are left are for the exact comparison.
 *
 * A row b is kept as s·q with the length ρ = |b − s·q| of what that leaves out, the embedding a as p with
 * υ = |a − p|. Then by Cauchy-Schwarz |a·b − p·s·q| ≤ |a|·ρ + (|b| + ρ)·υ, whatever the vectors are; for
 * embeddings that is about 0.12 at first and 0.007 then.
 */
import { type HalfBytes, isSafe, MIDDLE, ROWS_A_CALL, UPPER_MIDDLE } from './half-bytes.ts';
import { type PackedQuery, packQuery } from './packed-query.ts';
import { leastRows, type RowSearch } from './row-search.ts';

/**
 * More than is rounded in all these sums, as a share of |a|² + |b|². The first look computes in float32, where
 * the largest sum may be 43 times that.
 */
const [ROUNDING_OF_FIRST, ROUNDING] = [1e-4, 1e-5];

export class Shortlist implements RowSearch {
  readonly #packed: HalfBytes;
  readonly #rows: number;
  /** Of the last embedding: what the squared distance of each row is at least, by the first look. */
  readonly #bounds: Float32Array;
  #query: PackedQuery;
  /** |a|² */
  #own = 0;

  /** @param packed of these rows */
  constructor(packed: HalfBytes, rows: number) {
    this.#packed = packed;
    this.#rows = rows;
    this.#bounds = packed.bounds.subarray(0, rows);
    const { whole, fine } = packed;
    this.#query = packQuery(new Float32Array(whole.length), whole, fine);
  }

  lookFrom(embedding: Float32Array, own: number): void {
    this.#own = own;
    const { whole, fine } = this.#packed;
    const query = packQuery(embedding, whole, fine);
    this.#query = query;
    // The product with s·(16·upper − 120.5) and its error, twice, off |a|² + |b|².
    this.#packed.bound({
      constant: isSafe(own) ? own * (1 - ROUNDING_OF_FIRST) : Number.NaN,
      square: 1 - ROUNDING_OF_FIRST,
      length: -2 * query.wholeLoss,
      product: -2 * query.scale * 16,
      scale: -2 * query.scale * UPPER_MIDDLE * query.sum,
      loss: -2 * (Math.sqrt(own) + query.wholeLoss),
    });
  }

  likely(personOf: Uint32Array, count: number, leftOut: number): Uint32Array {
    return leastRows(this.#bounds, personOf, count, leftOut);
  }

  clear(): void {
    this.#packed.clear();
  }

  within(limit: number): Uint32Array {
    const bounds = this.#bounds;
    const rows = new Uint32Array(this.#rows);
    let count = 0;
    for (let row = 0; row < bounds.length; row++) {
      // Said so that a row or a limit that is no number rules nothing out.
      if (!(bounds[row]! > limit)) rows[count++] = row;
    }
    return this.#look(rows.subarray(0, count), limit);
  }

  /** Those of the rows that both halves do not rule out. */
  #look(rows: Uint32Array, limit: number): Uint32Array {
    const { scale, fineScale, sum, fineSum, loss } = this.#query;
    const own = this.#own;
    const length = Math.sqrt(own);
    let count = 0;
    for (let from = 0; from < rows.length; from += ROWS_A_CALL) {
      const some = rows.subarray(from, from + ROWS_A_CALL);
      const products = this.#packed.products(some);
      for (let at = 0; at < some.length; at++) {
        const row = some[at]!;
        const { columns, inChunk } = this.#packed.columnsOf(row);
        const square = columns.squares[inChunk]!;
        const left = columns.losses[inChunk]!;
        const whole = scale * (products[2 * at]! + MIDDLE * sum);
        const fine = fineScale * (products[2 * at + 1]! + MIDDLE * fineSum);
        const product = columns.scales[inChunk]! * (whole + fine);
        const error = length * left + (Math.sqrt(square) + left) * loss;
        const atLeast = (own + square) * (1 - ROUNDING) - 2 * (product + error);
        // The place of a row that was looked at is free.
        if (!(atLeast > limit)) rows[count++] = row;
      }
    }
    return rows.slice(0, count);
  }
}
