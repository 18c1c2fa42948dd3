/**
 * Squares cut from the photo for R-Net and O-Net, scaled by averaging areas (PyTorch's adaptive
 * average pooling). Knows nothing of boxes beyond the pixels they cover.
 */
import type { RgbImage } from '../image.ts';
import { areaEnd, areaStart } from './pyramid.ts';

/**
 * Scales windows of the photo to `size` times `size` pixels.
 * @param windows [count, 4]: left, top, right, bottom, the last two exclusive; none empty
 * @returns [count, size, size, 3], (x - 127.5) / 128
 */
export function cropAreas(image: RgbImage, windows: Int32Array, size: number): Float32Array {
  const count = windows.length / 4;
  const crops = new Float32Array(count * size * size * 3);
  const columns = new Int32Array(size * 2);
  for (let index = 0; index < count; index++) {
    const [left, top, right, bottom] = windows.subarray(index * 4, index * 4 + 4);
    for (let x = 0; x < size; x++) {
      columns[x * 2] = left! + areaStart(x, right! - left!, size);
      columns[x * 2 + 1] = left! + areaEnd(x, right! - left!, size);
    }
    for (let y = 0; y < size; y++) {
      const from = top! + areaStart(y, bottom! - top!, size);
      const to = top! + areaEnd(y, bottom! - top!, size);
      averageRow(image, from, to, columns, crops, (index * size + y) * size * 3);
    }
  }
  return crops;
}

function averageRow(
  { data, width }: RgbImage,
  top: number,
  bottom: number,
  columns: Int32Array,
  crops: Float32Array,
  to: number,
): void {
  for (let column = 0; column < columns.length; column += 2) {
    const left = columns[column]!;
    const right = columns[column + 1]!;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let y = top; y < bottom; y++) {
      const end = (y * width + right) * 3;
      for (let at = (y * width + left) * 3; at < end; at += 3) {
        red += data[at]!;
        green += data[at + 1]!;
        blue += data[at + 2]!;
      }
    }
    const share = 1 / ((bottom - top) * (right - left));
    crops[to++] = (red * share - 127.5) * 0.0078125;
    crops[to++] = (green * share - 127.5) * 0.0078125;
    crops[to++] = (blue * share - 127.5) * 0.0078125;
  }
}
