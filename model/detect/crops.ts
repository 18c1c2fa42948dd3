/**
 * Squares cut from the photo for R-Net and O-Net, scaled by averaging areas (PyTorch's adaptive
 * average pooling). Knows nothing of boxes beyond the pixels they cover.
 */

import { type AreaGrid, boundsOf, spansOf } from '../image/area-grid.ts';
import { averageAreas } from '../image/areas.ts';
import type { RgbImage } from '../image/image.ts';

/** A pass over a pixel of the photo takes so much of the time of reading it for one crop. */
const PASS_COST = 0.25;
/** Cells of fewer pixels than this are read as fast as they are gathered. */
const LEAST_CELL = 4;

/** A window of the photo as the cells of its crop. */
interface Crop extends AreaGrid {
  /** px of the window */
  readonly area: number;
}

/**
 * Scales windows of the photo to `size` times `size` pixels.
 * @param windows [count, 4]: left, top, right, bottom, the last two exclusive; none empty
 * @returns [count, size, size, 3], (x - 127.5) / 128, until the next areas are averaged
 */
export function cropAreas(image: RgbImage, windows: Int32Array, size: number): Float32Array {
  const values = size * size * 3;
  // Of a large photo's many overlapping windows, each pixel would be read a dozen times.
  const large: Crop[] = [];
  const small: Crop[] = [];
  for (let at = 0; at < windows.length; at += 4) {
    const [left, top] = [windows[at]!, windows[at + 1]!];
    const [width, height] = [windows[at + 2]! - left, windows[at + 3]! - top];
    const crop = {
      columns: spansOf(width, size, { offset: left }),
      rows: spansOf(height, size, { offset: top }),
      at: (at / 4) * values,
      area: width * height,
    };
    const isLarge = Math.min(width, height) >= size && crop.area > LEAST_CELL * size * size;
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
