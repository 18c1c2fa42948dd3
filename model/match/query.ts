/** An embedding that a gallery is searched for, with what all of its blocks need of it: computed once for them. */
import { squareOf } from './exact.ts';
import { type PackedQuery, packQuery } from './packed-query.ts';

export class Query {
  readonly embedding: Float32Array;
  /** Squared length. */
  readonly square: number;
  #packed: PackedQuery | undefined;

  /** @param embedding finite; copied */
  constructor(embedding: Float32Array) {
    this.embedding = embedding.slice();
    this.square = squareOf(embedding);
  }

  get packed(): PackedQuery {
    this.#packed ??= packQuery(this.embedding);
    return this.#packed;
  }

  /** Overwrites it: an embedding must not stay in freed memory. */
  clear(): void {
    for (const values of [this.embedding, this.#packed?.whole, this.#packed?.fine]) values?.fill(0);
  }

  isOf(embedding: Float32Array): boolean {
    const own = this.embedding;
    if (embedding.length !== own.length) return false;
    for (let at = 0; at < own.length; at++) if (embedding[at] !== own[at]) return false;
    return true;
  }
}
