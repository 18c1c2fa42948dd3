/**
 * Pillow's bilinear resize, bit for bit: a triangle filter as wide as the reduction, one pass along the rows
 * and one along the columns, weights in fixed point, each pass rounded to 8 bits. The encoder's reference
 * answers were made on its output.
 */

import { aligned, MemoryLayout } from '../simd/kernels.ts';
import type { PixelWindow, RgbImage } from './image.ts';
import {
  LINES_AT_ONCE,
  LOWER_BITS,
  PAIR_BYTES,
  resampleKernels,
  SPARE_BYTES,
  VALUES_AT_ONCE,
  WEIGHT_BITS,
} from './resample-kernels.ts';

/** Bytes of the window copied at a time, if one target line does not need more: this fits the caches. */
const COPIED_BYTES = 1 << 18;
const CHANNELS = 3;

/**
 * Scales a window of the image to `wide` times `high` pixels.
 * @returns [high, wide, 3], 0..255
 * @throws {BackendError} if WebAssembly has no SIMD here
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

/** Where the result is in the kernels' memory, until the next call. */
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
  // A pixel is written as four bytes: the last one of a line must not overwrite the next line.
  const narrow = aligned(targetWidth * CHANNELS + 1);
  const most = Math.max(Math.floor(COPIED_BYTES / wide), down.pairs * 2);
  const copied = Math.min(most, height + 1);
  const memory = new MemoryLayout();
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
 * The order of the passes changes the rounding. Up to version 12 Pillow resized the rows first; version 13,
 * with which the reference answers were made, begins with the columns if these lose more than twice as many
 * pixels (found by comparing both orders with it on random sizes).
 */
function areColumnsFirst(lostAcross: number, lostDown: number): boolean {
  return lostDown > 0 && lostDown > 2 * lostAcross;
}

/** For every target pixel, its source pixels and their weights. */
interface ResampleFilter {
  /** First source pixel of each target pixel. */
  readonly first: Int32Array;
  /** Pairs of source pixels, the same number for each target; at most one pixel is past the source. */
  readonly pairs: number;
  /** [target, pairs, 4]: lower parts of two weights, upper parts of two weights; in units of 1 / 2^22 */
  readonly weights: Int16Array;
}

/** @param source number of pixels of a side that is resized to `target` pixels */
function triangleFilter(source: number, target: number): ResampleFilter {
  const scale = source / target;
  // When reducing, the triangle covers all pixels of a target pixel; when enlarging, two source pixels.
  const support = Math.max(scale, 1);
  const centerOf = (index: number): number => (index + 0.5) * scale;
  const startOf = (center: number): number => Math.max(Math.trunc(center - support + 0.5), 0);
  const endOf = (center: number): number => Math.min(Math.trunc(center + support + 0.5), source);
  let most = 0;
  for (let index = 0; index < target; index++) {
    const center = centerOf(index);
    most = Math.max(most, endOf(center) - startOf(center));
  }
  const pairs = Math.ceil(most / 2);
  const first = new Int32Array(target);
  const weights = new Int16Array((target * pairs * PAIR_BYTES) / Int16Array.BYTES_PER_ELEMENT);
  const shares = new Float64Array(most);
  for (let index = 0; index < target; index++) {
    const center = centerOf(index);
    const [start, end] = [startOf(center), endOf(center)];
    let sum = 0;
    for (let at = start; at < end; at++) {
      const share = Math.max(1 - Math.abs((at - center + 0.5) / support), 0);
      shares[at - start] = share;
      sum += share;
    }
    // Near the end it begins earlier, with weights of 0, so that all pairs are inside the source.
    const from = Math.min(start, Math.max(source - pairs * 2, 0));
    first[index] = from;
    for (let at = start; at < end; at++) {
      const weight = Math.trunc((shares[at - start]! / sum) * (1 << WEIGHT_BITS) + 0.5);
      const tap = at - from;
      const to = (index * pairs + (tap >> 1)) * 4 + (tap % 2);
      weights[to] = weight & ((1 << LOWER_BITS) - 1);
      weights[to + 2] = weight >> LOWER_BITS;
    }
  }
  return { first, pairs, weights };
}
