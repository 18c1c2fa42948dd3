/**
 * Averages over areas of the photo (PyTorch's adaptive average pooling), for any number of grids in one
 * pass: one running row of the photo's summed-area table (Crow 1984) serves them all, so that the
 * time depends on the photo and the cells, not on the areas, and nothing as large as the photo is held.
 * Knows nothing of levels and boxes.
 */
import type { RgbImage } from '../image.ts';

/** px: of each cell along one side, its first pixel and the one after its last. */
export interface Spans {
  readonly first: Int32Array;
  readonly end: Int32Array;
}

/**
 * The spans of cells `from` to `to` of a side of `size` pixels in `target` cells.
 * @param offset px, where the side begins in the photo
 */
export function spansOf(
  size: number,
  target: number,
  { from = 0, to = target, offset = 0 } = {},
): Spans {
  const first = new Int32Array(to - from);
  const end = new Int32Array(to - from);
  for (let index = from; index < to; index++) {
    first[index - from] = offset + Math.floor((index * size) / target);
    end[index - from] = offset + Math.ceil(((index + 1) * size) / target);
  }
  return { first, end };
}

/** Of (x - 127.5) / 128. */
const CENTER = 127.5;
const SCALE = 1 / 128;

/**
 * Cells of areas that become pixels. Of a column at most two rows may overlap, as where no side is enlarged.
 */
export class AreaGrid {
  readonly columns: Spans;
  readonly rows: Spans;
  readonly #into: Float32Array;
  #to: number;
  /** Sums above the row being gathered, and above the one after it: neighbours may share a line. */
  #above: Int32Array;
  #aboveNext: Int32Array;
  #begun = 0;
  #row = 0;

  /** @param into gets [rows, columns, 3] from `at` on, (x - 127.5) / 128 */
  constructor(columns: Spans, rows: Spans, into: Float32Array, at = 0) {
    this.columns = columns;
    this.rows = rows;
    this.#into = into;
    this.#to = at;
    this.#above = new Int32Array(columns.first.length * 3);
    this.#aboveNext = new Int32Array(columns.first.length * 3);
  }

  /** The line before which it wants to see the table next; Infinity when it is done. */
  get due(): number {
    const { first, end } = this.rows;
    if (this.#row === end.length) return Number.POSITIVE_INFINITY;
    if (this.#begun === this.#row) return first[this.#begun]!;
    const next = this.#begun < first.length ? first[this.#begun]! : Number.POSITIVE_INFINITY;
    return Math.min(end[this.#row]!, next);
  }

  /** @param table sums of every column to the left and above this line */
  visit(line: number, table: Int32Array): void {
    const { first, end } = this.rows;
    if (this.#row < this.#begun && end[this.#row] === line) this.#finish(table);
    if (this.#begun < first.length && first[this.#begun] === line) this.#begin(table);
  }

  #begin(table: Int32Array): void {
    const sums = this.#begun === this.#row ? this.#above : this.#aboveNext;
    const { first, end } = this.columns;
    for (let x = 0, at = 0; x < first.length; x++, at += 3) {
      const left = first[x]! * 3;
      const right = end[x]! * 3;
      sums[at] = table[right]! - table[left]!;
      sums[at + 1] = table[right + 1]! - table[left + 1]!;
      sums[at + 2] = table[right + 2]! - table[left + 2]!;
    }
    this.#begun++;
  }

  #finish(table: Int32Array): void {
    const { first, end } = this.columns;
    const lines = this.rows.end[this.#row]! - this.rows.first[this.#row]!;
    const sums = this.#above;
    const into = this.#into;
    let to = this.#to;
    for (let x = 0, at = 0; x < first.length; x++, at += 3, to += 3) {
      const left = first[x]! * 3;
      const right = end[x]! * 3;
      const share = 3 / (lines * (right - left));
      const red = (table[right]! - table[left]! - sums[at]!) | 0;
      const green = (table[right + 1]! - table[left + 1]! - sums[at + 1]!) | 0;
      const blue = (table[right + 2]! - table[left + 2]! - sums[at + 2]!) | 0;
      into[to] = (red * share - CENTER) * SCALE;
      into[to + 1] = (green * share - CENTER) * SCALE;
      into[to + 2] = (blue * share - CENTER) * SCALE;
    }
    this.#to = to;
    this.#above = this.#aboveNext;
    this.#aboveNext = sums;
    this.#row++;
  }
}

/** The part of the photo that a pass for these grids goes over; px. */
export function boundsOf(grids: readonly AreaGrid[]) {
  const least = (spans: Spans[]) => Math.min(...spans.map(({ first }) => first[0]!));
  const most = (spans: Spans[]) => Math.max(...spans.map(({ end }) => end.at(-1)!));
  const columns = grids.map((grid) => grid.columns);
  const rows = grids.map((grid) => grid.rows);
  return { left: least(columns), top: least(rows), right: most(columns), bottom: most(rows) };
}

/** Fills the grids. */
export function averageAreas(image: RgbImage, grids: readonly AreaGrid[]): void {
  if (grids.length === 0) return;
  const { left, top, right, bottom } = boundsOf(grids);
  const due: AreaGrid[][] = Array.from({ length: bottom - top + 1 }, () => []);
  for (const grid of grids) due[grid.due - top]!.push(grid);
  // Sums wrap around at 2^32: only differences count, and those stay below 2^31.
  const table = new Int32Array((image.width + 1) * 3);
  for (let line = top; line <= bottom; line++) {
    for (const grid of due[line - top]!) {
      grid.visit(line, table);
      if (grid.due <= bottom) due[grid.due - top]!.push(grid);
    }
    if (line < bottom) {
      addRow(table, image.data, (line * image.width + left) * 3, left * 3, (right - left) * 3);
    }
  }
}

function addRow(
  table: Int32Array,
  data: Uint8Array,
  from: number,
  to: number,
  length: number,
): void {
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let at = 0; at < length; at += 3) {
    red = (red + data[from + at]!) | 0;
    green = (green + data[from + at + 1]!) | 0;
    blue = (blue + data[from + at + 2]!) | 0;
    table[to + at + 3] = (table[to + at + 3]! + red) | 0;
    table[to + at + 4] = (table[to + at + 4]! + green) | 0;
    table[to + at + 5] = (table[to + at + 5]! + blue) | 0;
  }
}
