/**
 * Which rows of a large gallery can be near an embedding at all, from a copy of them in int8: a quarter of
 * the bytes, read once. Rules rows out, never in: those that are left are for the exact comparison. Knows
 * nothing of names.
 *
 * A row b is kept as s·q, q whole numbers of int8, with the length ρ = |b − s·q| of what that leaves out;
 * the embedding a likewise as t·p in int16, which leaves out υ. Then by Cauchy-Schwarz
 * |a·b − s·t·(q·p)| ≤ |a|·ρ + (|b| + ρ)·υ, whatever the vectors are; for embeddings that is about 0.01.
 */
import { type Int8Products, openInt8Products } from './int8-products.ts';

/** Far more than float64 rounds in all these sums, as a share of |a|² + |b|². */
const ROUNDING = 1e-9;

export class Shortlist {
  readonly #kept: Int8Products;
  readonly #squares: Float64Array;
  /** s of each row */
  readonly #scales: Float64Array;
  /** ρ of each row */
  readonly #losses: Float64Array;
  /** Of the last embedding: what the squared distance of each row is at least. */
  readonly #atLeast: Float64Array;
  readonly #last: Float32Array;

  private constructor(kept: Int8Products, embeddings: Float32Array, squares: Float64Array) {
    this.#kept = kept;
    this.#squares = squares;
    this.#scales = new Float64Array(squares.length);
    this.#losses = new Float64Array(squares.length);
    this.#atLeast = new Float64Array(squares.length);
    const length = kept.vector.length;
    this.#last = new Float32Array(length).fill(Number.NaN);
    for (let row = 0; row < squares.length; row++) {
      const from = row * length;
      const own = embeddings.subarray(from, from + length);
      const { scale, loss } = roundInto(kept.rows, from, own, INT8_MOST);
      this.#scales[row] = scale;
      this.#losses[row] = loss;
    }
  }

  /**
   * @param embeddings [rows, length], copied
   * @param squares [rows], |b|² of each
   * @returns undefined where this machine has no SIMD or no memory for the copy
   */
  static of(embeddings: Float32Array, squares: Float64Array): Shortlist | undefined {
    const kept = openInt8Products(squares.length, embeddings.length / squares.length);
    return kept && new Shortlist(kept, embeddings, squares);
  }

  /**
   * Looks at all rows; the other methods then speak of this embedding.
   * @param embedding [length], finite
   * @param own |a|²
   */
  lookFrom(embedding: Float32Array, own: number): void {
    if (embedding.every((value, at) => value === this.#last[at])) return;
    this.#last.set(embedding);
    const { vector, products } = this.#kept;
    const { scale, loss } = roundInto(vector, 0, embedding, INT16_MOST);
    this.#kept.multiply();
    const length = Math.sqrt(own);
    const [squares, scales, losses, atLeast] = [
      this.#squares,
      this.#scales,
      this.#losses,
      this.#atLeast,
    ];
    for (let row = 0; row < products.length; row++) {
      const square = squares[row]!;
      const left = losses[row]!;
      const product = scales[row]! * scale * products[row]!;
      const error = length * left + (Math.sqrt(square) + left) * loss;
      atLeast[row] = (own + square) * (1 - ROUNDING) - 2 * (product + error);
    }
  }

  /**
   * Rows of `count` different people that are among the nearest, though not surely the nearest.
   * @param personOf of each row; those of `leftOut` are not counted
   */
  likely(personOf: Uint32Array, count: number, leftOut: number): number[] {
    const rows: number[] = [];
    const atLeast = this.#atLeast;
    let limit = Number.POSITIVE_INFINITY;
    for (let row = 0; row < atLeast.length; row++) {
      if (atLeast[row]! >= limit || personOf[row] === leftOut) continue;
      this.#enter(rows, row, personOf, count);
      if (rows.length === count) limit = atLeast[rows[count - 1]!]!;
    }
    return rows;
  }

  /** Puts a row in its place among the least, one a person. */
  #enter(rows: number[], row: number, personOf: Uint32Array, count: number): void {
    const atLeast = this.#atLeast;
    const same = rows.findIndex((other) => personOf[other] === personOf[row]);
    if (same >= 0 && atLeast[rows[same]!]! <= atLeast[row]!) return;
    if (same >= 0) rows.splice(same, 1);
    else if (rows.length === count) rows.pop();
    const at = rows.findIndex((other) => atLeast[other]! > atLeast[row]!);
    rows.splice(at < 0 ? rows.length : at, 0, row);
  }

  /** All rows whose squared distance may be up to `limit`, in their order. */
  within(limit: number): Uint32Array {
    const rows: number[] = [];
    for (let row = 0; row < this.#atLeast.length; row++) {
      // Said so that a row or a limit that is no number rules nothing out.
      if (!(this.#atLeast[row]! > limit)) rows.push(row);
    }
    return Uint32Array.from(rows);
  }
}

const INT8_MOST = 127;
const INT16_MOST = 32767;

/** Rounds values to whole numbers up to `most` times a scale, and says how far that is from them. */
function roundInto(
  into: Int8Array | Int16Array,
  to: number,
  values: Float32Array,
  most: number,
): { scale: number; loss: number } {
  let largest = 0;
  for (let at = 0; at < values.length; at++) {
    const size = Math.abs(values[at]!);
    if (size > largest) largest = size;
  }
  const scale = largest === 0 ? 1 : largest / most;
  const factor = 1 / scale;
  // Cutting off a number above zero rounds it down: a third of the time of Math.round.
  const lift = most + 1;
  let sum = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    const whole = ((value * factor + lift + 0.5) | 0) - lift;
    into[to + at] = whole;
    const left = value - whole * scale;
    sum += left * left;
  }
  return { scale, loss: Math.sqrt(sum) };
}
