/**
 * Reads a turned and scaled square from a photo without aliasing: an area larger than the square is first
 * reduced by `resample.ts`, then read with bilinear interpolation.
 */
import type { PixelWindow, RgbImage } from '../image/image.ts';
import { resizeBilinear } from '../image/resample.ts';
import { type Similarity, transformed } from './similarity.ts';

const CHANNELS = 3;

/** Part of a photo, possibly reduced. */
interface Source {
  /** The pixels of the photo that it covers. */
  readonly window: PixelWindow;
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], from the first value on */
  readonly data: Uint8Array;
}

/**
 * Coordinates refer to edges: pixel 0 covers 0 to 1.
 * @param place from the square's coordinates, 0 to size, to the photo's; its scale is not 0
 * @returns [size, size, 3], 0..255, black outside the photo
 */
export function sampleSimilarity(image: RgbImage, place: Similarity, size: number): Uint8Array {
  const pixels = new Uint8Array(size * size * CHANNELS);
  const window = windowOf(image, place, size);
  if (window === undefined) return pixels;
  const source = reducedWindow(image, window, Math.hypot(place.a, place.b));
  read(source, place, size, pixels);
  return pixels;
}

/** The part of the photo that the square needs; undefined if the square is outside the photo. */
function windowOf(
  { width, height }: RgbImage,
  place: Similarity,
  size: number,
): PixelWindow | undefined {
  const corners = ([0, size] as const).flatMap((y) =>
    ([0, size] as const).map((x) => transformed(place, [x, y])),
  );
  // The filters read up to two of the square's pixels further.
  const margin = 2 * Math.max(1, Math.hypot(place.a, place.b));
  const range = (axis: 0 | 1, end: number): [number, number] => {
    const values = corners.map((corner) => corner[axis]);
    const from = Math.max(0, Math.floor(Math.min(...values) - margin));
    return [from, Math.min(end, Math.ceil(Math.max(...values) + margin))];
  };
  const [left, right] = range(0, width);
  const [top, bottom] = range(1, height);
  return left < right && top < bottom ? { left, top, right, bottom } : undefined;
}

/** @param factor source pixels per target pixel; up to 1 the photo itself is read */
function reducedWindow(image: RgbImage, window: PixelWindow, factor: number): Source {
  if (!(factor > 1)) {
    const { width, height, data } = image;
    return { window: { left: 0, top: 0, right: width, bottom: height }, width, height, data };
  }
  const width = Math.max(1, Math.round((window.right - window.left) / factor));
  const height = Math.max(1, Math.round((window.bottom - window.top) / factor));
  return { window, width, height, data: resizeBilinear(image, window, width, height) };
}

/** Interpolates each pixel of the square between the four nearest; past the edge the last ones are repeated. */
function read(source: Source, { a, b, dx, dy }: Similarity, size: number, into: Uint8Array): void {
  const { window, width, height, data } = source;
  const across = width / (window.right - window.left);
  const down = height / (window.bottom - window.top);
  let to = 0;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++, to += CHANNELS) {
      const [u, v] = [column + 0.5, row + 0.5];
      const x = (a * u - b * v + dx - window.left) * across - 0.5;
      const y = (b * u + a * v + dy - window.top) * down - 0.5;
      if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) continue;
      const left = Math.max(Math.floor(x), 0);
      const top = Math.max(Math.floor(y), 0);
      const toRight = left + 1 < width ? Math.max(x - left, 0) : 0;
      const toLower = top + 1 < height ? Math.max(y - top, 0) : 0;
      const upper = (top * width + left) * CHANNELS;
      // Past the last pixel the share of the next one is 0.
      const lower = toLower > 0 ? upper + width * CHANNELS : upper;
      const next = toRight > 0 ? CHANNELS : 0;
      for (let channel = 0; channel < CHANNELS; channel++) {
        const [one, two] = [data[upper + channel]!, data[lower + channel]!];
        const first = one + (data[upper + next + channel]! - one) * toRight;
        const second = two + (data[lower + next + channel]! - two) * toRight;
        into[to + channel] = first + (second - first) * toLower + 0.5;
      }
    }
  }
}
