/**
 * Averages over areas of the photo (PyTorch's adaptive average pooling), for any number of grids in one
 * pass: one running row of the photo's summed-area table (Crow 1984) serves them all, so that the
 * time depends on the photo and the cells, not on the areas, and nothing as large as the photo is held.
 * Knows nothing of levels and boxes.
 */

import { MemoryLayout } from '../simd/kernels.ts';
import { type AreaGrid, boundsOf } from './area-grid.ts';
import {
  type AreaKernels,
  areaKernels,
  CELL_BYTES,
  PIXEL_BYTES,
  PIXELS_AT_ONCE,
  SPAN_BYTES,
  SPARE_BYTES,
  SUM_BYTES,
  TABLE_BYTES,
} from './area-kernels.ts';
import { readWindow, windowBytes } from './area-windows.ts';
import type { RgbImage } from './image.ts';

/**
 * Fills the grids.
 * @param grids those of one pass, averaged in single precision
 * @param apart those whose pixels are read for each alone, averaged in double precision
 * @param count of values of all grids, and of whatever is to lie between them
 * @returns so many values, (x - 127.5) / 128 where a grid is: in memory that the next call takes for its own,
 *   since fresh pages for every photo cost as much as filling them
 * @throws {BackendError} where there is no SIMD
 */
export function averageAreas(
  image: RgbImage,
  { grids, apart = [] }: { grids: readonly AreaGrid[]; apart?: readonly AreaGrid[] },
  count: number,
): Float32Array<ArrayBuffer> {
  const { left, top, right, bottom } =
    grids.length > 0 ? boundsOf(grids) : { left: 0, top: 0, right: 0, bottom: 0 };
  const fours = Math.ceil((right - left) / PIXELS_AT_ONCE);
  const memory = new MemoryLayout();
  const lineAt = memory.take(fours * PIXELS_AT_ONCE * PIXEL_BYTES + SPARE_BYTES);
  const tableBytes = (fours * PIXELS_AT_ONCE + 1) * TABLE_BYTES;
  const table = memory.take(tableBytes);
  const places = grids.map(({ columns: { first } }) => ({
    spans: memory.take(first.length * SPAN_BYTES),
    sums: memory.take(first.length * SUM_BYTES * 2),
  }));
  const windowAt = memory.take(apart.reduce((most, grid) => Math.max(most, windowBytes(grid)), 0));
  const valuesAt = memory.take(count * Float32Array.BYTES_PER_ELEMENT);
  const kernels = areaKernels(memory.bytes);
  const { buffer } = kernels.memory;
  // Parts of a plain array are made sooner than those of a Buffer.
  const photo = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.length);
  for (const grid of apart) {
    const into = valuesAt + grid.at * Float32Array.BYTES_PER_ELEMENT;
    readWindow(kernels, { photo, width: image.width }, grid, windowAt, into);
  }
  // Sums wrap around at 2^32: only differences count, and those stay below 2^31.
  new Uint8Array(buffer, table, tableBytes).fill(0);
  const due: Gathering[][] = Array.from({ length: bottom - top + 1 }, () => []);
  for (const [index, grid] of grids.entries()) {
    const into = valuesAt + grid.at * Float32Array.BYTES_PER_ELEMENT;
    const gathering = new Gathering(kernels, grid, { ...places[index]!, into });
    gathering.prepare(table - left * TABLE_BYTES);
    due[gathering.due - top]!.push(gathering);
  }
  const bytes = (right - left) * PIXEL_BYTES;
  const line = new Uint8Array(buffer, lineAt, bytes);
  for (let y = top; y <= bottom; y++) {
    for (const gathering of due[y - top]!) {
      gathering.visit(y);
      if (gathering.due <= bottom) due[gathering.due - top]!.push(gathering);
    }
    if (y < bottom) {
      const from = (y * image.width + left) * PIXEL_BYTES;
      line.set(photo.subarray(from, from + bytes));
      kernels.addLine(lineAt, table + TABLE_BYTES, fours);
    }
  }
  return new Float32Array(buffer, valuesAt, count);
}

/** Addresses of what a grid needs in the kernels' memory. */
interface GridPlaces {
  readonly spans: number;
  /** Above the row being gathered, and above the one after it: neighbours may share a line. */
  readonly sums: number;
  /** Its values. */
  readonly into: number;
}

/** A grid while the photo's lines come by. */
class Gathering {
  readonly #kernels: AreaKernels;
  readonly #grid: AreaGrid;
  readonly #places: GridPlaces;
  readonly #cells: number;
  #row = 0;
  #begun = 0;

  constructor(kernels: AreaKernels, grid: AreaGrid, places: GridPlaces) {
    this.#kernels = kernels;
    this.#grid = grid;
    this.#places = places;
    this.#cells = grid.columns.first.length;
  }

  /** @param table where the photo's first column would be in the table */
  prepare(table: number): void {
    const { first, end } = this.#grid.columns;
    const { buffer } = this.#kernels.memory;
    const words = SPAN_BYTES / Int32Array.BYTES_PER_ELEMENT;
    const addresses = new Int32Array(buffer, this.#places.spans, this.#cells * words);
    const columns = new Float32Array(buffer, this.#places.spans, this.#cells * words);
    for (let x = 0, at = 0; x < this.#cells; x++, at += words) {
      addresses[at] = table + first[x]! * TABLE_BYTES;
      addresses[at + 1] = table + end[x]! * TABLE_BYTES;
      columns[at + 2] = end[x]! - first[x]!;
    }
  }

  /** The line before which it wants to see the table next; Infinity when it is done. */
  get due(): number {
    const { first, end } = this.#grid.rows;
    if (this.#row === end.length) return Number.POSITIVE_INFINITY;
    if (this.#begun === this.#row) return first[this.#begun]!;
    const next = this.#begun < first.length ? first[this.#begun]! : Number.POSITIVE_INFINITY;
    return Math.min(end[this.#row]!, next);
  }

  /** While the table holds the sums above this line. */
  visit(line: number): void {
    const { first, end } = this.#grid.rows;
    if (this.#row < this.#begun && end[this.#row] === line) this.#finish();
    if (this.#begun < first.length && first[this.#begun] === line) {
      this.#kernels.begin(this.#places.spans, this.#sumsOf(this.#begun++), this.#cells);
    }
  }

  #finish(): void {
    const row = this.#row++;
    const { first, end } = this.#grid.rows;
    const { spans, into } = this.#places;
    const to = into + row * this.#cells * CELL_BYTES;
    const lines = end[row]! - first[row]!;
    this.#kernels.finish(spans, this.#sumsOf(row), to, this.#cells, lines);
  }

  /** Rows take turns. */
  #sumsOf(row: number): number {
    return this.#places.sums + (row % 2) * this.#cells * SUM_BYTES;
  }
}
