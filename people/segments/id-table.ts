/** A hash table of ids that lie as 16 bytes in columns: a million of them take 16 MB, not a hundred. */
import { ID_BYTES } from './ids.ts';

/** Largest share of places that are taken. */
const LOAD = 0.6;

export class IdTable {
  readonly #columns: readonly Buffer[];
  /** 1 + number of the id over all columns; 0: free. */
  #places: Uint32Array;
  #mask: number;
  /** By column: number of its first id. */
  readonly #starts: readonly number[];

  /** @param columns ids of 16 bytes each; none is in the table yet */
  constructor(columns: readonly Buffer[]) {
    this.#columns = columns;
    let total = 0;
    this.#starts = columns.map(({ length }) => {
      const start = total;
      total += length / ID_BYTES;
      return start;
    });
    const size = 2 ** Math.ceil(Math.log2(Math.max(8, total / LOAD)));
    this.#places = new Uint32Array(size);
    this.#mask = size - 1;
  }

  /** Adds an id of a column. @returns false when the table has an equal one already */
  add(column: number, index: number): boolean {
    const place = this.#placeOf(this.#columns[column]!, index);
    if (this.#places[place] !== 0) return false;
    this.#places[place] = this.#starts[column]! + index + 1;
    return true;
  }

  /** Whether an id of any column, of this table or not, is in it. */
  has(ids: Buffer, index: number): boolean {
    return this.#places[this.#placeOf(ids, index)] !== 0;
  }

  /** Where an id lies. */
  find(ids: Buffer, index: number): { column: number; index: number } | undefined {
    const number = this.#places[this.#placeOf(ids, index)]!;
    if (number === 0) return undefined;
    return this.#position(number - 1);
  }

  #position(number: number): { column: number; index: number } {
    let column = this.#starts.length - 1;
    while (this.#starts[column]! > number) column -= 1;
    return { column, index: number - this.#starts[column]! };
  }

  /** The place that holds an equal id, or the free one where it belongs. */
  #placeOf(ids: Buffer, index: number): number {
    const at = index * ID_BYTES;
    let place = hashOf(ids, at) & this.#mask;
    for (;;) {
      const number = this.#places[place]!;
      if (number === 0) return place;
      const found = this.#position(number - 1);
      const other = this.#columns[found.column]!;
      if (isEqual(ids, at, other, found.index * ID_BYTES)) return place;
      place = (place + 1) & this.#mask;
    }
  }
}

/** Ids may be chosen by who imports them, so that all of their bytes count. */
function hashOf(ids: Buffer, at: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + ID_BYTES; i += 4) {
    const word = ids[i]! | (ids[i + 1]! << 8) | (ids[i + 2]! << 16) | (ids[i + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

function isEqual(ids: Buffer, at: number, others: Buffer, start: number): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (ids[at + i] !== others[start + i]) return false;
  return true;
}
