/**
 * The pixels of the photo under boxes, scaled to the square crops of R-Net and O-Net by averaging areas
 * (PyTorch's adaptive average pooling).
 */

import { type AreaGrid, boundsOf, gridSide } from '../image/area-grid.ts';
import { averageAreas } from '../image/areas.ts';
import type { RgbImage } from '../image/image.ts';
import { clipBoxes, pickRows } from './boxes.ts';

/** Crops cut in one pass over the photo; limits the memory, since a busy photo has thousands of proposals. */
const CROPS_PER_PASS = 512;
/** Pixels of all crops in one call: with more, the layers' intermediate values no longer fit the caches. */
const PIXELS_PER_CALL = 128 * 24 * 24;
/** Time of a pass over one pixel of the photo, as a share of the time to read it for one crop. */
const PASS_COST = 0.25;
/** px: smaller cells take no longer to read one by one than to gather from a pass. */
const MIN_CELL_PIXELS = 4;

/** The boxes that contain pixels of the photo, with the windows of those pixels. */
export function insidePhoto(
  squares: Float32Array,
  { width, height }: RgbImage,
): { boxes: Float32Array; windows: Int32Array } {
  const windows = clipBoxes(squares, width, height);
  const inside: number[] = [];
  for (let at = 0; at < windows.length; at += 4) {
    const [left, top, right, bottom] = windows.subarray(at, at + 4);
    if (right! > left! && bottom! > top!) inside.push(at / 4);
  }
  return { boxes: pickRows(squares, 4, inside), windows: pickWindows(windows, inside) };
}

export function pickWindows(windows: Int32Array, indices: readonly number[]): Int32Array {
  const picked = new Int32Array(indices.length * 4);
  for (const [row, index] of indices.entries()) {
    picked.set(windows.subarray(index * 4, index * 4 + 4), row * 4);
  }
  return picked;
}

function cropsPerCall(size: number): number {
  return Math.floor(PIXELS_PER_CALL / (size * size));
}

/** Crops of the windows, [count, size, size, 3], in batches for one network call each. */
export function* cropBatches(
  image: RgbImage,
  windows: Int32Array,
  size: number,
): Generator<[crops: Float32Array, count: number]> {
  const values = size * size * 3;
  const perCall = cropsPerCall(size);
  for (let at = 0; at < windows.length; at += CROPS_PER_PASS * 4) {
    const cut = windows.subarray(at, at + CROPS_PER_PASS * 4);
    const crops = cropAreas(image, cut, size);
    for (let first = 0; first < cut.length / 4; first += perCall) {
      const count = Math.min(perCall, cut.length / 4 - first);
      yield [crops.subarray(first * values, (first + count) * values), count];
    }
  }
}

/** A window of the photo as the cells of its crop. */
interface Crop extends AreaGrid {
  /** px of the window */
  readonly area: number;
}

/**
 * Scales windows of the photo to `size` times `size` pixels.
 * @param windows [count, 4]: left, top, right, bottom, the last two exclusive; not empty
 * @returns [count, size, size, 3], (x - 127.5) / 128; valid until the next call that averages areas
 */
export function cropAreas(image: RgbImage, windows: Int32Array, size: number): Float32Array {
  const values = size * size * 3;
  // The windows of a large photo overlap: read one by one, each pixel would be read a dozen times.
  const large: Crop[] = [];
  const small: Crop[] = [];
  for (let at = 0; at < windows.length; at += 4) {
    const [left, top] = [windows[at]!, windows[at + 1]!];
    const [width, height] = [windows[at + 2]! - left, windows[at + 3]! - top];
    const crop = {
      columns: gridSide(width, size, { offset: left }),
      rows: gridSide(height, size, { offset: top }),
      at: (at / 4) * values,
      area: width * height,
    };
    const isLarge = Math.min(width, height) >= size && crop.area > MIN_CELL_PIXELS * size * size;
    (isLarge ? large : small).push(crop);
  }
  const count = (windows.length / 4) * values;
  if (isPassCheaper(large)) return averageAreas(image, { grids: large, apart: small }, count);
  return averageAreas(image, { grids: [], apart: [...small, ...large] }, count);
}

function isPassCheaper(crops: readonly Crop[]): boolean {
  if (crops.length === 0) return false;
  const { left, top, right, bottom } = boundsOf(crops);
  const pixels = crops.reduce((sum, { area }) => sum + area, 0);
  return PASS_COST * (right - left) * (bottom - top) < pixels;
}
