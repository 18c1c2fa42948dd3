/**
 * Pillow's bilinear resize, bit for bit: a triangle filter as wide as the reduction, one pass along
 * the rows and one along the columns, weights in fixed point, each pass rounded to 8 bits. The
 * encoder's reference answers were made on its output. Knows nothing of faces.
 */

import { aligned, Places } from '../simd/assembler.ts';
import type { PixelWindow, RgbImage } from './image.ts';
import { triangleFilter } from './resample-filter.ts';
import {
  LINES_AT_ONCE,
  PAIR_BYTES,
  resampleKernels,
  SPARE_BYTES,
  VALUES_AT_ONCE,
} from './resample-kernels.ts';

/** Of the window so much is copied at a time, or what one target line needs: the caches hold it. */
const COPIED_BYTES = 1 << 18;
const CHANNELS = 3;

/**
 * Scales a window of the image to `wide` times `high` pixels.
 * @returns [high, wide, 3], 0..255
 * @throws {BackendError} where there is no SIMD
 */
export function resizeBilinear(
  image: RgbImage,
  window: PixelWindow,
  wide: number,
  high = wide,
): Uint8Array {
  const { at, stride } = resize(image, window, wide, high);
  const lines = new Uint8Array(resampleKernels().memory.buffer, at);
  const row = wide * CHANNELS;
  const pixels = new Uint8Array(high * row);
  for (let y = 0; y < high; y++) {
    pixels.set(lines.subarray(y * stride, y * stride + row), y * row);
  }
  return pixels;
}

/** Where the result lies in the kernels' memory, until the next one. */
interface Resized {
  readonly at: number;
  readonly stride: number;
}

function resize(
  image: RgbImage,
  window: PixelWindow,
  targetWidth: number,
  targetHeight: number,
): Resized {
  const kernels = resampleKernels();
  const [width, height] = [window.right - window.left, window.bottom - window.top];
  const across = triangleFilter(width, targetWidth);
  const down = triangleFilter(height, targetHeight);
  const isColumnsFirst = areColumnsFirst(width - targetWidth, height - targetHeight);
  const wide = aligned(width * CHANNELS + SPARE_BYTES);
  // A pixel is written as four bytes: a line's last one must not reach into the next line.
  const narrow = aligned(targetWidth * CHANNELS + 1);
  const most = Math.max(Math.floor(COPIED_BYTES / wide), down.pairs * 2);
  const copied = Math.min(most, height + 1);
  const memory = new Places();
  const starts = memory.take(targetWidth * Int32Array.BYTES_PER_ELEMENT);
  const acrossWeights = memory.take(across.weights.byteLength);
  const downWeights = memory.take(down.weights.byteLength);
  const source = memory.take((copied + LINES_AT_ONCE) * wide);
  const between = memory.take(
    isColumnsFirst ? (targetHeight + LINES_AT_ONCE) * wide : (height + LINES_AT_ONCE) * narrow,
  );
  const target = memory.take((targetHeight + LINES_AT_ONCE) * narrow);
  kernels.reserve(memory.bytes);
  const { buffer } = kernels.memory;
  new Int32Array(buffer, starts, targetWidth).set(across.first.map((pixel) => pixel * CHANNELS));
  new Int16Array(buffer, acrossWeights).set(across.weights);
  new Int16Array(buffer, downWeights).set(down.weights);

  const copy = (top: number): number => {
    const bottom = Math.min(top + copied, height);
    const lines = new Uint8Array(buffer, source);
    for (let y = top; y < bottom; y++) {
      const from = ((window.top + y) * image.width + window.left) * CHANNELS;
      lines.set(image.data.subarray(from, from + width * CHANNELS), (y - top) * wide);
    }
    return bottom - top;
  };
  const rows = (from: number, stride: number, into: number, lines: number): void => {
    for (let y = 0; y < lines; y += LINES_AT_ONCE) {
      const [line, to] = [from + y * stride, into + y * narrow];
      kernels.alongRows(line, stride, starts, acrossWeights, across.pairs, to, narrow, targetWidth);
    }
  };
  const column = (from: number, stride: number, into: number, y: number): void => {
    const weights = downWeights + y * down.pairs * PAIR_BYTES;
    const vectors = stride / VALUES_AT_ONCE;
    kernels.alongColumns(from, stride, weights, down.pairs, into + y * stride, vectors);
  };

  if (isColumnsFirst) {
    for (let y = 0; y < targetHeight; ) {
      const top = down.first[y]!;
      copy(top);
      for (; y < targetHeight && down.first[y]! + down.pairs * 2 <= top + copied; y++) {
        column(source + (down.first[y]! - top) * wide, wide, between, y);
      }
    }
    rows(between, wide, target, targetHeight);
  } else {
    for (let top = 0; top < height; top += copied) {
      rows(source, wide, between + top * narrow, copy(top));
    }
    for (let y = 0; y < targetHeight; y++) {
      column(between + down.first[y]! * narrow, narrow, target, y);
    }
  }
  return { at: target, stride: narrow };
}

/**
 * The order of the passes shows in the rounding. Pillow went along the rows first up to version 12;
 * version 13, by which the reference answers were made, begins with the columns where these lose more
 * than twice as many pixels (found by comparing both orders with it on random sizes).
 */
function areColumnsFirst(lostAcross: number, lostDown: number): boolean {
  return lostDown > 0 && lostDown > 2 * lostAcross;
}
