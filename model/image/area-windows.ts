/**
 * Averages over areas of one window of the photo, reading only the window's pixels: for small areas a pass
 * over the photo takes longer.
 */
import { aligned } from '../simd/kernels.ts';
import type { SpannedGrid, Spans } from './area-grid.ts';
import {
  type AreaKernels,
  CELL_BYTES,
  EXTENT_BYTES,
  PIXEL_BYTES,
  SPARE_BYTES,
} from './area-kernels.ts';

/** Bytes of the kernels' memory that a window needs. */
export function windowBytes({ columns, rows }: SpannedGrid): number {
  return linesFrom(columns) + lengthOf(rows) * strideOf(columns) + SPARE_BYTES;
}

export interface PhotoPixels {
  readonly photo: Uint8Array;
  /** px */
  readonly width: number;
  /** Where the kernels' memory has all of the photo; otherwise the window is copied. */
  readonly address?: number;
}

/**
 * @param at address of that many bytes of free memory
 * @param into address of the results
 */
export function averageWindow(
  kernels: AreaKernels,
  { photo, width, address }: PhotoPixels,
  { columns, rows }: SpannedGrid,
  at: number,
  into: number,
): void {
  const { buffer } = kernels.memory;
  const cells = columns.first.length;
  const [left, top] = [columns.first[0]!, rows.first[0]!];
  const extents = new Int32Array(buffer, at, (cells * EXTENT_BYTES) / Int32Array.BYTES_PER_ELEMENT);
  for (let x = 0; x < cells; x++) {
    extents[x * 2] = (columns.first[x]! - left) * PIXEL_BYTES;
    extents[x * 2 + 1] = columns.end[x]! - columns.first[x]!;
  }
  const [lines, stride] =
    address === undefined
      ? copied(buffer, { photo, width }, { columns, rows }, at + linesFrom(columns))
      : [address + (top * width + left) * PIXEL_BYTES, width * PIXEL_BYTES];
  for (let row = 0; row < rows.first.length; row++) {
    const first = rows.first[row]!;
    const line = lines + (first - top) * stride;
    const to = into + row * cells * CELL_BYTES;
    kernels.average(line, stride, rows.end[row]! - first, at, cells, to);
  }
}

/** @returns the address of the window's first pixel, and the bytes from line to line */
function copied(
  buffer: ArrayBuffer,
  { photo, width }: PhotoPixels,
  { columns, rows }: Pick<SpannedGrid, 'columns' | 'rows'>,
  lines: number,
): [lines: number, stride: number] {
  const [height, stride, bytes] = [
    lengthOf(rows),
    strideOf(columns),
    lengthOf(columns) * PIXEL_BYTES,
  ];
  const window = new Uint8Array(buffer, lines, height * stride);
  for (let y = 0; y < height; y++) {
    const from = ((rows.first[0]! + y) * width + columns.first[0]!) * PIXEL_BYTES;
    window.set(photo.subarray(from, from + bytes), y * stride);
  }
  return [lines, stride];
}

/** Offset of the copied lines, after the extents. */
function linesFrom(columns: Spans): number {
  return aligned(columns.first.length * EXTENT_BYTES);
}

function strideOf(columns: Spans): number {
  return aligned(lengthOf(columns) * PIXEL_BYTES);
}

/** px */
function lengthOf({ first, end }: Spans): number {
  return end.at(-1)! - first[0]!;
}
