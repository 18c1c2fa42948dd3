/** The pixels of the photo under boxes, and their crops for a network. Knows no network and no score. */
import type { RgbImage } from '../image.ts';
import { clipBoxes, pickRows } from './boxes.ts';
import { cropAreas } from './crops.ts';

/** Bounds the memory of one call: a busy photo has thousands of proposals. */
const CROPS_PER_CALL = 512;

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

/** Crops of the windows, so many at a time. */
export function* cropBatches(
  image: RgbImage,
  windows: Int32Array,
  size: number,
): Generator<[crops: Float32Array, count: number]> {
  const step = CROPS_PER_CALL * 4;
  for (let at = 0; at < windows.length; at += step) {
    const batch = windows.subarray(at, at + step);
    yield [cropAreas(image, batch, size), batch.length / 4];
  }
}
