/**
 * Averages over areas of one window of the photo, whose pixels are read for it alone: for small areas a
 * pass over the photo takes longer than that.
 */
import type { RgbImage } from '../image.ts';
import { aligned } from '../simd/assembler.ts';
import { type AreaGrid, boundsOf } from './area-grid.ts';
import {
  type AreaKernels,
  CELL_BYTES,
  EXTENT_BYTES,
  PIXEL_BYTES,
  SPARE_BYTES,
} from './area-kernels.ts';

/** What it needs of the kernels' memory. */
export function windowBytes(grid: AreaGrid): number {
  const { left, top, right, bottom } = boundsOf([grid]);
  return linesFrom(grid) + (bottom - top) * strideOf(right - left) + SPARE_BYTES;
}

/** Addresses: where it may use so much, and where the values go. */
export function readWindow(
  kernels: AreaKernels,
  image: RgbImage,
  grid: AreaGrid,
  at: number,
  into: number,
): void {
  const { columns, rows } = grid;
  const { left, top, right, bottom } = boundsOf([grid]);
  const { buffer } = kernels.memory;
  const cells = columns.first.length;
  const extents = new Int32Array(buffer, at, (cells * EXTENT_BYTES) / Int32Array.BYTES_PER_ELEMENT);
  for (let x = 0; x < cells; x++) {
    extents[x * 2] = (columns.first[x]! - left) * PIXEL_BYTES;
    extents[x * 2 + 1] = columns.end[x]! - columns.first[x]!;
  }
  const lines = at + linesFrom(grid);
  const stride = strideOf(right - left);
  const bytes = (right - left) * PIXEL_BYTES;
  const copied = new Uint8Array(buffer, lines, (bottom - top) * stride);
  for (let y = top; y < bottom; y++) {
    const from = (y * image.width + left) * PIXEL_BYTES;
    copied.set(image.data.subarray(from, from + bytes), (y - top) * stride);
  }
  for (let row = 0; row < rows.first.length; row++) {
    const first = rows.first[row]!;
    const line = lines + (first - top) * stride;
    const to = into + row * cells * CELL_BYTES;
    kernels.average(line, stride, rows.end[row]! - first, at, cells, to);
  }
}

function linesFrom({ columns }: AreaGrid): number {
  return aligned(columns.first.length * EXTENT_BYTES);
}

function strideOf(width: number): number {
  return aligned(width * PIXEL_BYTES);
}
