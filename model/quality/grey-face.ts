/**
 * A face in grey and in one size, and what its pixels say about light and sharpness. The size is small:
 * what a face recogniser needs is there, and it takes a fraction of a millisecond for a face of any size.
 */
import type { Box } from '../detect/faces.ts';
import type { RgbImage } from '../image/image.ts';

export interface GreyFace {
  readonly width: number;
  readonly height: number;
  /** [height, width], 0..255 */
  readonly data: Float32Array;
}

/** Sides of the grey face are at most this and more than half of it, if the photo has that many pixels. */
const SIDE = 96;
/** Of the box, left out on each side: hair and background. */
const MARGIN = 0.1;
/** Points along each side of a block of pixels that becomes one: more would change nothing visible. */
const POINTS = 3;

/** @returns undefined where less than 3 pixels of the face are within the photo */
export function greyFaceOf(image: RgbImage, box: Box): GreyFace | undefined {
  const [x1, y1, x2, y2] = box;
  const [marginX, marginY] = [(x2 - x1) * MARGIN, (y2 - y1) * MARGIN];
  const left = Math.max(0, Math.round(x1 + marginX));
  const top = Math.max(0, Math.round(y1 + marginY));
  const right = Math.min(image.width, Math.round(x2 - marginX));
  const bottom = Math.min(image.height, Math.round(y2 - marginY));
  const block = Math.max(1, Math.ceil(Math.max(right - left, bottom - top) / SIDE));
  const [width, height] = [right - left, bottom - top].map((side) => Math.floor(side / block));
  if (width! < 3 || height! < 3) return undefined;
  const grey = new Float32Array(width! * height!);
  const points = offsetsWithin(block);
  for (let row = 0; row < height!; row++) {
    for (let column = 0; column < width!; column++) {
      let sum = 0;
      for (const dy of points) {
        const line = (top + row * block + dy) * image.width + left + column * block;
        for (const dx of points) sum += luminanceAt(image.data, (line + dx) * 3);
      }
      grey[row * width! + column] = sum / points.length ** 2;
    }
  }
  return { width: width!, height: height!, data: grey };
}

function offsetsWithin(block: number): number[] {
  const count = Math.min(block, POINTS);
  return Array.from({ length: count }, (_, at) => Math.floor(((at + 0.5) * block) / count));
}

/** ITU-R BT.601, as JPEG's own luminance. */
function luminanceAt(data: Uint8Array, at: number): number {
  return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
}

/** Of a face of fewer pixels, each shows more of the detail that there is: measured on one face in sizes. */
const DETAIL_BY_SIDE = 1.6;

/**
 * Variance of the Laplacian, as a share of the variance of the pixels: fine detail compared with all
 * contrast, as in a face of `SIDE` pixels. Blur takes fine detail and leaves contrast; light changes both
 * alike.
 */
export function detailOf({ width, height, data }: GreyFace): number {
  let [sum, square, laplacian] = [0, 0, 0];
  for (let row = 1; row < height - 1; row++) {
    for (let column = 1; column < width - 1; column++) {
      const at = row * width + column;
      const own = data[at]!;
      sum += own;
      square += own * own;
      const around = data[at - 1]! + data[at + 1]! + data[at - width]! + data[at + width]!;
      laplacian += (around - 4 * own) ** 2;
    }
  }
  const count = (width - 2) * (height - 2);
  const variance = square / count - (sum / count) ** 2;
  // A level of grey is what 8 bits cannot tell apart: a plain surface has no detail.
  const scale = (Math.sqrt(width * height) / SIDE) ** DETAIL_BY_SIDE;
  return (laplacian / count / Math.max(variance, 1)) * scale;
}

/** How a face is lit. */
export interface Light {
  /** The brightness that all but the brightest 5 % of pixels stay below, 0..255. */
  readonly bright: number;
  /** The brightness that all but the darkest 5 % of pixels are above, 0..255. */
  readonly dark: number;
  /** Share of pixels that are white beyond what the camera could tell apart. */
  readonly blown: number;
}

/** From this on a pixel is as good as white. */
const WHITE = 250;

export function lightOf({ data }: GreyFace): Light {
  const histogram = new Uint32Array(256);
  for (const value of data) histogram[Math.min(255, Math.round(value))]!++;
  const at = (share: number): number => {
    let count = 0;
    const limit = share * data.length;
    return histogram.findIndex((pixels) => {
      count += pixels;
      return count > limit;
    });
  };
  const white = histogram.subarray(WHITE).reduce((sum, pixels) => sum + pixels, 0);
  return { bright: at(0.95), dark: at(0.05), blown: white / data.length };
}
