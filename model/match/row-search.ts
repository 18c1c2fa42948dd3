/** What finds the rows of a block that can be near an embedding. */
import type { Query } from './query.ts';

export interface RowSearch {
  /** Looks at all rows; the other methods then speak of this embedding. */
  lookFrom(query: Query): void;
  /**
   * Rows of `count` different people that are among the nearest, though not surely the nearest.
   * @param personOf of each row; those of `leftOut` are not counted
   */
  likely(personOf: Uint32Array, count: number, leftOut: number): Uint32Array;
  /** All rows whose squared distance may be up to `limit`, in their order. */
  within(limit: number): Uint32Array;
  /** Overwrites what it holds of the rows. */
  clear(): void;
}

/** Rows that follow each other. */
export interface RowRange {
  readonly from: number;
  readonly end: number;
  /** No value of these rows is below this; NaN where that is not known. */
  readonly least: number;
}

/** The rows of the `count` people with the least values, one a person. @param ranges together all rows */
export function leastRows(
  values: Float32Array | Float64Array,
  personOf: Uint32Array,
  count: number,
  leftOut: number,
  ranges: readonly RowRange[] = [{ from: 0, end: values.length, least: Number.NaN }],
): Uint32Array {
  const rows: number[] = [];
  let limit = Number.POSITIVE_INFINITY;
  for (const { from, end, least } of ranges) {
    if (least >= limit) continue;
    for (let row = from; row < end; row++) {
      if (values[row]! >= limit || personOf[row] === leftOut) continue;
      enter(rows, row, values, personOf, count);
      if (rows.length === count) limit = values[rows[count - 1]!]!;
    }
  }
  return Uint32Array.from(rows);
}

/** Puts a row in its place among the least, one a person. */
function enter(
  rows: number[],
  row: number,
  values: Float32Array | Float64Array,
  personOf: Uint32Array,
  count: number,
): void {
  const same = rows.findIndex((other) => personOf[other] === personOf[row]);
  if (same >= 0 && values[rows[same]!]! <= values[row]!) return;
  if (same >= 0) rows.splice(same, 1);
  else if (rows.length === count) rows.pop();
  const at = rows.findIndex((other) => values[other]! > values[row]!);
  rows.splice(at < 0 ? rows.length : at, 0, row);
}
