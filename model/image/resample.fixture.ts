/**
 * Pillow's bilinear resize as plain loops, value by value: what `resample.ts` must answer, too slow for
 * large faces.
 */
import type { PixelWindow, RgbImage } from './image.ts';

/** 32 bits less 8 of the pixel and 2 to spare. */
const WEIGHT_BITS = 22;
const HALF = 1 << (WEIGHT_BITS - 1);

/** For every target pixel, which source pixels count and how much. */
interface Filter {
  /** first source pixel of each target pixel */
  readonly first: Int32Array;
  /** number of source pixels of each target pixel */
  readonly taps: Int32Array;
  /** [target, stride], in 1 / 2^22; each row adds up to about 1 */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** Pixels of three channels, rows `stride` values apart, the first at `offset`. */
interface Raster {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly offset: number;
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/** @returns [size, size, 3], 0..255 */
export function resizeByLoops(image: RgbImage, window: PixelWindow, size: number): Uint8Array {
  const source: Raster = {
    data: image.data,
    offset: (window.top * image.width + window.left) * 3,
    stride: image.width * 3,
    width: window.right - window.left,
    height: window.bottom - window.top,
  };
  const alongRows = triangleFilter(source.width, size);
  const alongColumns = triangleFilter(source.height, size);
  const { data } = columnsFirst(source, size)
    ? resizeRows(resizeColumns(source, alongColumns), alongRows)
    : resizeColumns(resizeRows(source, alongRows), alongColumns);
  return new Uint8Array(data.buffer);
}

/** Pillow 13's order. */
function columnsFirst({ width, height }: Raster, size: number): boolean {
  return height > size && height - size > 2 * (width - size);
}

function triangleFilter(source: number, target: number): Filter {
  const scale = source / target;
  // Reducing, the triangle spans all that falls on a target pixel; enlarging, two source pixels.
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(target);
  const taps = new Int32Array(target);
  const weights = new Int32Array(target * stride);
  const shares = new Float64Array(stride);
  for (let index = 0; index < target; index++) {
    const center = (index + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const end = Math.min(Math.trunc(center + support + 0.5), source);
    let sum = 0;
    for (let at = start; at < end; at++) {
      const share = Math.max(1 - Math.abs((at - center + 0.5) / support), 0);
      shares[at - start] = share;
      sum += share;
    }
    first[index] = start;
    taps[index] = end - start;
    for (let tap = 0; tap < end - start; tap++) {
      weights[index * stride + tap] = Math.trunc((shares[tap]! / sum) * (1 << WEIGHT_BITS) + 0.5);
    }
  }
  return { first, taps, weights, stride };
}

/** One pass: the width becomes the filter's target. */
function resizeRows(
  { data, offset, stride, height }: Raster,
  { first, taps, weights, stride: weightStride }: Filter,
): Raster {
  const width = first.length;
  const result = new Uint8ClampedArray(height * width * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = offset + y * stride;
    for (let x = 0; x < width; x++) {
      let at = row + first[x]! * 3;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      const end = x * weightStride + taps[x]!;
      for (let tap = x * weightStride; tap < end; tap++, at += 3) {
        const weight = weights[tap]!;
        red = (red + Math.imul(data[at]!, weight)) | 0;
        green = (green + Math.imul(data[at + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[at + 2]!, weight)) | 0;
      }
      result[to++] = red >> WEIGHT_BITS;
      result[to++] = green >> WEIGHT_BITS;
      result[to++] = blue >> WEIGHT_BITS;
    }
  }
  return { data: result, offset: 0, stride: width * 3, width, height };
}

/** One pass: the height becomes the filter's target. */
function resizeColumns(
  { data, offset, stride, width }: Raster,
  { first, taps, weights, stride: weightStride }: Filter,
): Raster {
  const height = first.length;
  const rowLength = width * 3;
  const result = new Uint8ClampedArray(height * rowLength);
  for (let y = 0; y < height; y++) {
    for (let column = 0; column < rowLength; column++) {
      let sum = HALF;
      for (let tap = 0; tap < taps[y]!; tap++) {
        const value = data[offset + (first[y]! + tap) * stride + column]!;
        sum = (sum + Math.imul(value, weights[y * weightStride + tap]!)) | 0;
      }
      result[y * rowLength + column] = sum >> WEIGHT_BITS;
    }
  }
  return { data: result, offset: 0, stride: rowLength, width, height };
}
