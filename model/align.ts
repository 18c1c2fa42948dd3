/**
 * Cuts faces from the photo as the encoder wants them: the box clipped to whole pixels, scaled to
 * 240x240, standardised. The steps are facenet-pytorch's extract_face with margin 0.
 */
import { FACE_SIZE } from './format.ts';
import type { PixelWindow, RgbImage } from './image.ts';
import { resizeBilinear } from './resample.ts';

type Sides = readonly [x1: number, y1: number, x2: number, y2: number];

const FACE_VALUES = FACE_SIZE * FACE_SIZE * 3;
/** (x - 127.5) / 128 of every pixel value */
const STANDARDISED = Float32Array.from({ length: 256 }, (_, x) => (x - 127.5) / 128);

/**
 * @param boxes px, may reach beyond the photo
 * @returns [boxes, 240, 240, 3], (x - 127.5) / 128
 */
export function alignFaces(image: RgbImage, boxes: readonly Sides[]): Float32Array {
  const faces = new Float32Array(boxes.length * FACE_VALUES);
  for (const [index, box] of boxes.entries()) {
    const pixels = resizeBilinear(image, faceWindow(box, image), FACE_SIZE);
    const from = index * FACE_VALUES;
    for (let at = 0; at < FACE_VALUES; at++) faces[from + at] = STANDARDISED[pixels[at]!]!;
  }
  return faces;
}

/** The box cut to the photo and down to whole pixels; at least one pixel, at the photo's edge. */
export function faceWindow(box: Sides, { width, height }: RgbImage): PixelWindow {
  const left = Math.min(Math.trunc(Math.max(box[0], 0)), width - 1);
  const top = Math.min(Math.trunc(Math.max(box[1], 0)), height - 1);
  const right = Math.max(Math.trunc(Math.min(box[2], width)), left + 1);
  const bottom = Math.max(Math.trunc(Math.min(box[3], height)), top + 1);
  return { left, top, right, bottom };
}
