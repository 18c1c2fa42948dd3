/** The pixels of the photo under boxes, and their crops for a network. Knows no network and no score. */
import type { RgbImage } from '../image/image.ts';
import { clipBoxes, pickRows } from './boxes.ts';
import { cropAreas } from './crops.ts';

/** Crops cut in one pass over the photo; bounds the memory, for a busy photo has thousands of proposals. */
const CROPS_AT_ONCE = 512;
/** Pixels of all crops in one call: with more, what the layers hold between them leaves the caches. */
const PIXELS_PER_CALL = 128 * 24 * 24;

/** The boxes that have a pixel of the photo, with the windows of those pixels. */
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

/** Crops of the windows, [count, size, size, 3], so many at a time. */
export function* cropBatches(
  image: RgbImage,
  windows: Int32Array,
  size: number,
): Generator<[crops: Float32Array, count: number]> {
  const values = size * size * 3;
  const most = Math.floor(PIXELS_PER_CALL / (size * size));
  for (let at = 0; at < windows.length; at += CROPS_AT_ONCE * 4) {
    const cut = windows.subarray(at, at + CROPS_AT_ONCE * 4);
    const crops = cropAreas(image, cut, size);
    for (let first = 0; first < cut.length / 4; first += most) {
      const count = Math.min(most, cut.length / 4 - first);
      yield [crops.subarray(first * values, (first + count) * values), count];
    }
  }
}
