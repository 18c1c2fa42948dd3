/**
 * Averages over areas of the photo in WebAssembly, for any number of grids in one pass: where there is no addon for
 * it, with the same bits. One running row of the photo's summed-area table (Crow 1984) serves all grids, so that the
 * time depends on the photo and the number of cells, not on the areas, and nothing as large as the photo is kept.
 */

import { type KernelMemory, MemoryLayout } from '../simd/kernels.ts';
import { type AreaGrid, boundsOf, type SpannedGrid, spanned } from './area-grid.ts';
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
import { averageWindow, windowBytes } from './area-windows.ts';
import type { RgbImage } from './image.ts';

/** @see averageAreas @throws {BackendError} if WebAssembly has no SIMD here */
export function averageInWasm(
  image: RgbImage,
  sides: readonly AreaGrid[],
  sidesApart: readonly AreaGrid[],
  count: number,
): Float32Array<ArrayBuffer> {
  const grids = sides.map(spanned);
  const apart = sidesApart.map(spanned);
  const { left, top, right, bottom } =
    sides.length > 0 ? boundsOf(sides) : { left: 0, top: 0, right: 0, bottom: 0 };
  const fours = Math.ceil((right - left) / PIXELS_AT_ONCE);
  const memory = new MemoryLayout();
  const isHeld = image.data.length <= HELD_BYTES;
  // First, so that it stays in its place from call to call.
  const photoAt = memory.take(isHeld ? image.data.length + SPARE_BYTES : 0);
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
  // A view of the ArrayBuffer: `subarray` is faster on a Uint8Array than on a Buffer.
  const photo = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.length);
  hold(kernels, isHeld ? image.data : undefined, photoAt);
  const source = { photo, width: image.width, ...(isHeld ? { address: photoAt } : {}) };
  for (const grid of apart) {
    const into = valuesAt + grid.at * Float32Array.BYTES_PER_ELEMENT;
    averageWindow(kernels, source, grid, windowAt, into);
  }
  // Sums overflow at 2^32. Only their differences are used, and those stay below 2^31.
  new Uint8Array(buffer, table, tableBytes).fill(0);
  const due: GridPass[][] = Array.from({ length: bottom - top + 1 }, () => []);
  for (const [index, grid] of grids.entries()) {
    const into = valuesAt + grid.at * Float32Array.BYTES_PER_ELEMENT;
    const pass = new GridPass(kernels, grid, { ...places[index]!, into });
    pass.prepare(table - left * TABLE_BYTES);
    due[pass.due - top]!.push(pass);
  }
  const bytes = (right - left) * PIXEL_BYTES;
  const line = new Uint8Array(buffer, lineAt, bytes);
  for (let y = top; y <= bottom; y++) {
    for (const pass of due[y - top]!) {
      pass.visit(y);
      if (pass.due <= bottom) due[pass.due - top]!.push(pass);
    }
    if (y < bottom) {
      const from = (y * image.width + left) * PIXEL_BYTES;
      if (!isHeld) line.set(photo.subarray(from, from + bytes));
      kernels.addLine(isHeld ? photoAt + from : lineAt, table + TABLE_BYTES, fours);
    }
  }
  return new Float32Array(buffer, valuesAt, count);
}

/** A photo of up to this size is copied once, not line by line for each pass: 5 megapixels. */
const HELD_BYTES = 16 << 20;

/** The photo whose pixels are in the kernels' memory. */
let held: { readonly data: WeakRef<Uint8Array>; readonly memory: KernelMemory } | undefined;

/** Copies the photo into the kernels' memory, unless it is there. @param data undefined if another one is needed there */
function hold({ memory }: AreaKernels, data: Uint8Array | undefined, address: number): void {
  if (data !== undefined && held?.memory === memory && held.data.deref() === data) return;
  held = data && { data: new WeakRef(data), memory };
  if (data !== undefined) new Uint8Array(memory.buffer, address, data.length).set(data);
}

/** Addresses of a grid's data in the kernels' memory. */
interface GridPlaces {
  readonly spans: number;
  /** Sums above the current row, and above the next one: neighbouring rows may share a line. */
  readonly sums: number;
  /** Its values. */
  readonly into: number;
}

/** A grid that is being filled while the pass goes down the photo. */
class GridPass {
  readonly #kernels: AreaKernels;
  readonly #grid: SpannedGrid;
  readonly #places: GridPlaces;
  readonly #cells: number;
  #row = 0;
  #begun = 0;

  constructor(kernels: AreaKernels, grid: SpannedGrid, places: GridPlaces) {
    this.#kernels = kernels;
    this.#grid = grid;
    this.#places = places;
    this.#cells = grid.columns.first.length;
  }

  /** @param table address in the table of the photo's first column */
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

  /** The next line before which it must read the table; Infinity when it is complete. */
  get due(): number {
    const { first, end } = this.#grid.rows;
    if (this.#row === end.length) return Number.POSITIVE_INFINITY;
    if (this.#begun === this.#row) return first[this.#begun]!;
    const next = this.#begun < first.length ? first[this.#begun]! : Number.POSITIVE_INFINITY;
    return Math.min(end[this.#row]!, next);
  }

  /** Called while the table holds the sums above this line. */
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

  /** Consecutive rows alternate between two places. */
  #sumsOf(row: number): number {
    return this.#places.sums + (row % 2) * this.#cells * SUM_BYTES;
  }
}
