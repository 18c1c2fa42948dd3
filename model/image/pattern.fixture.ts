/** A photo-sized pattern that other languages can make too, for numbers pinned by PyTorch and Pillow. */
import type { RgbImage } from './image.ts';

/** Value i, counted over rows, columns and channels, is floor((31 i² + 7 i) / 5) mod 256. */
export function patternImage(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = Math.floor((31 * i * i + 7 * i) / 5) % 256;
  return { width, height, data };
}
