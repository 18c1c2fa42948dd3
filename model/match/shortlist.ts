/**
 * Which rows of a large gallery can be near an embedding at all, from a copy of them in half bytes: first
 * from the upper halves of all, an eighth of the bytes; then, for those that are left, from both halves.
 * Rules rows out, never in: the rows that are left are for the exact comparison.
 *
 * A row b is kept as s·q with the length ρ = |b − s·q| of what that leaves out, the embedding a as p with
 * υ = |a − p|. Then by Cauchy-Schwarz |a·b − p·s·q| ≤ |a|·ρ + (|b| + ρ)·υ, whatever the vectors are; for
 * embeddings that is about 0.12 at first and 0.007 then.
 */
import { type HalfBytes, isSafe, MIDDLE, type NarrowFactors, UPPER_MIDDLE } from './half-bytes.ts';
import { CHUNK_ROWS } from './half-bytes-layout.ts';
import type { Query } from './query.ts';
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
  /** For the second look from the last embedding. */
  #factors: NarrowFactors | undefined;

  /** @param packed of these rows */
  constructor(packed: HalfBytes, rows: number) {
    this.#packed = packed;
    this.#rows = rows;
    this.#bounds = packed.bounds.subarray(0, rows);
  }

  lookFrom({ square: own, packed: query }: Query): void {
    const { scale, fineScale, sum, fineSum, wholeLoss, loss } = query;
    const length = Math.sqrt(own);
    this.#packed.whole.set(query.whole);
    this.#packed.fine.set(query.fine);
    this.#factors = {
      ...{ own, length, share: 1 - ROUNDING, wholeLoss, loss },
      ...{ scale: 2 * scale, middle: MIDDLE * sum },
      ...{ fineScale: 2 * fineScale, fineMiddle: MIDDLE * fineSum },
    };
    // The product with s·(16·upper − 120.5) and its error, twice, off |a|² + |b|².
    this.#packed.bound({
      constant: isSafe(own) ? own * (1 - ROUNDING_OF_FIRST) : Number.NaN,
      square: 1 - ROUNDING_OF_FIRST,
      length: -2 * wholeLoss,
      product: -2 * scale * 16,
      scale: -2 * scale * UPPER_MIDDLE * sum,
      loss: -2 * (length + wholeLoss),
    });
  }

  likely(personOf: Uint32Array, count: number, leftOut: number): Uint32Array {
    // The chunks with the least bounds first: most of the others need no look.
    const chunks = Array.from(this.#packed.leastBounds, (least, chunk) => ({
      from: chunk * CHUNK_ROWS,
      end: Math.min((chunk + 1) * CHUNK_ROWS, this.#rows),
      least,
    })).sort((a, b) => orderOf(a.least) - orderOf(b.least));
    return leastRows(this.#bounds, personOf, count, leftOut, chunks);
  }

  within(limit: number): Uint32Array {
    if (this.#factors === undefined) throw new Error('Nothing was looked for yet.');
    return this.#packed.within(this.#rows, limit, this.#factors).slice();
  }

  clear(): void {
    this.#packed.clear();
  }
}

/** A chunk with a bound that is not known comes first. */
function orderOf(least: number): number {
  return Number.isNaN(least) ? -Number.MAX_VALUE : Math.min(least, Number.MAX_VALUE);
}
