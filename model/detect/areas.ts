/**
 * Averages over areas of the photo (PyTorch's adaptive average pooling), for any number of grids in one
 * pass: one running row of the photo's summed-area table (Crow 1984) serves them all, so that the
 * time depends on the photo and the cells, not on the areas, and nothing as large as the photo is held.
 * Knows nothing of levels and boxes.
 */
import type { RgbImage } from '../image.ts';
import { aligned } from '../simd/assembler.ts';
import {
  areaKernels,
  CELL_BYTES,
  SPAN_BYTES,
  SPARE_BYTES,
  SUM_BYTES,
  TABLE_BYTES,
} from './area-kernels.ts';

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

/** Cells of areas that become pixels. At most two rows may share a line, as where no side is enlarged. */
export interface AreaGrid {
  readonly columns: Spans;
  readonly rows: Spans;
  /** Gets [rows, columns, 3] from `at` on, (x - 127.5) / 128. */
  readonly into: Float32Array;
  readonly at: number;
}

/** The part of the photo that a pass for these grids goes over; px. */
export function boundsOf(grids: readonly AreaGrid[]) {
  const least = (spans: Spans[]) => Math.min(...spans.map(({ first }) => first[0]!));
  const most = (spans: Spans[]) => Math.max(...spans.map(({ end }) => end.at(-1)!));
  const columns = grids.map((grid) => grid.columns);
  const rows = grids.map((grid) => grid.rows);
  return { left: least(columns), top: least(rows), right: most(columns), bottom: most(rows) };
}

/**
 * Fills the grids.
 * @throws {BackendError} where there is no SIMD
 */
export function averageAreas(image: RgbImage, grids: readonly AreaGrid[]): void {
  if (grids.length === 0) return;
  const kernels = areaKernels();
  const { left, top, right, bottom } = boundsOf(grids);
  const pixels = right - left;
  let free = aligned(pixels * 3 + SPARE_BYTES);
  const table = free;
  const tableBytes = (pixels + 1) * TABLE_BYTES;
  free += tableBytes;
  const gatherings = grids.map((grid) => {
    const cells = grid.columns.first.length;
    const spans = free;
    const sums = aligned(spans + cells * SPAN_BYTES);
    const cell = sums + 2 * cells * SUM_BYTES;
    free = aligned(cell + cells * CELL_BYTES + SPARE_BYTES);
    return new Gathering(grid, { spans, sums, cell });
  });
  kernels.reserve(free);
  const { buffer } = kernels.memory;
  const line = new Uint8Array(buffer, 0, pixels * 3);
  // Sums wrap around at 2^32: only differences count, and those stay below 2^31.
  new Uint8Array(buffer, table, tableBytes).fill(0);
  const due: Gathering[][] = Array.from({ length: bottom - top + 1 }, () => []);
  for (const gathering of gatherings) {
    gathering.prepare(buffer, table - left * TABLE_BYTES);
    due[gathering.due - top]!.push(gathering);
  }
  for (let y = top; y <= bottom; y++) {
    for (const gathering of due[y - top]!) {
      gathering.visit(y);
      if (gathering.due <= bottom) due[gathering.due - top]!.push(gathering);
    }
    if (y < bottom) {
      const from = (y * image.width + left) * 3;
      line.set(image.data.subarray(from, from + pixels * 3));
      kernels.addLine(0, table + TABLE_BYTES, pixels);
    }
  }
}

/** Addresses of what a grid needs in the kernels' memory. */
interface Places {
  readonly spans: number;
  /** Above the row being gathered, and above the one after it: neighbours may share a line. */
  readonly sums: number;
  readonly cell: number;
}

/** A grid while the photo's lines come by. */
class Gathering {
  readonly #kernels = areaKernels();
  readonly #grid: AreaGrid;
  readonly #places: Places;
  readonly #cells: number;
  #row = 0;
  #begun = 0;
  #filled = new Float32Array();

  constructor(grid: AreaGrid, places: Places) {
    this.#grid = grid;
    this.#places = places;
    this.#cells = grid.columns.first.length;
  }

  /** @param table where the photo's first column would be in the table */
  prepare(buffer: ArrayBuffer, table: number): void {
    const { spans, cell } = this.#places;
    const { first, end } = this.#grid.columns;
    const addresses = new Int32Array(buffer, spans, this.#cells * 2);
    for (let x = 0; x < this.#cells; x++) {
      addresses[x * 2] = table + first[x]! * TABLE_BYTES;
      addresses[x * 2 + 1] = table + end[x]! * TABLE_BYTES;
    }
    this.#filled = new Float32Array(buffer, cell, this.#cells * 3);
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
    const { rows, into, at } = this.#grid;
    const lines = rows.end[row]! - rows.first[row]!;
    const { spans, cell } = this.#places;
    this.#kernels.finish(spans, this.#sumsOf(row), cell, this.#cells, lines);
    into.set(this.#filled, at + row * this.#cells * 3);
  }

  /** Rows take turns. */
  #sumsOf(row: number): number {
    return this.#places.sums + (row % 2) * this.#cells * SUM_BYTES;
  }
}
