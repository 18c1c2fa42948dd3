/**
 * Pillow's bilinear resize, bit for bit: a triangle filter as wide as the reduction, one pass along
 * the rows and one along the columns, weights in fixed point, each pass rounded to 8 bits. The
 * encoder's reference answers were made on its output. Knows nothing of faces.
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

/**
 * Scales a window of the image to `size` times `size` pixels.
 * @returns [size, size, 3], 0..255
 */
export function resizeBilinear(image: RgbImage, window: PixelWindow, size: number): Uint8Array {
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

/**
 * The order of the passes shows in the rounding. Pillow went along the rows first up to version 12;
 * version 13, by which the reference answers were made, begins with the columns where these lose more
 * than twice as many pixels (found by comparing both orders with it on random sizes).
 */
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
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    const to = y * rowLength;
    const count = taps[y]!;
    const weight = y * weightStride;
    const row = offset + first[y]! * stride;
    if (count === 2) {
      // Nearly every row of an enlarged face.
      const [upper, lower] = [weights[weight]!, weights[weight + 1]!];
      for (let column = 0, at = row; column < rowLength; column++, at++) {
        const sum = HALF + Math.imul(data[at]!, upper) + Math.imul(data[at + stride]!, lower);
        result[to + column] = (sum | 0) >> WEIGHT_BITS;
      }
      continue;
    }
    sums.fill(HALF);
    for (let tap = 0; tap < count; tap++) {
      const share = weights[weight + tap]!;
      const from = row + tap * stride;
      for (let column = 0; column < rowLength; column++) {
        sums[column] = sums[column]! + Math.imul(data[from + column]!, share);
      }
    }
    for (let column = 0; column < rowLength; column++) {
      result[to + column] = sums[column]! >> WEIGHT_BITS;
    }
  }
  return { data: result, offset: 0, stride: rowLength, width, height };
}
