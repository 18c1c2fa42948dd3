/** Cuts faces from the photo as the encoder expects them, by the detected box or by the landmarks. */

import type { DetectedFace } from '../detect/faces.ts';
import type { EncoderDescription } from '../format.ts';
import type { PixelWindow, RgbImage } from '../image/image.ts';
import { resizeBilinear } from '../image/resample.ts';
import { cutByLandmarks } from './landmarks.ts';

type Sides = DetectedFace['box'];

/** Where a face is, px; may extend past the photo. */
export type FacePlace = Pick<DetectedFace, 'box' | 'landmarks'>;

/** (x - 127.5) / 128 for every pixel value */
const STANDARDISED = Float32Array.from({ length: 256 }, (_, x) => (x - 127.5) / 128);

/** @returns [faces, faceSize, faceSize, 3], (x - 127.5) / 128 */
export function alignFaces(
  image: RgbImage,
  faces: readonly FacePlace[],
  { alignment, faceSize }: Pick<EncoderDescription, 'alignment' | 'faceSize'>,
): Float32Array {
  const values = faceSize * faceSize * 3;
  const aligned = new Float32Array(faces.length * values);
  for (const [index, { box, landmarks }] of faces.entries()) {
    const pixels =
      alignment === 'box'
        ? cutByBox(image, box, faceSize)
        : cutByLandmarks(image, landmarks, faceSize);
    const from = index * values;
    for (let at = 0; at < values; at++) aligned[from + at] = STANDARDISED[pixels[at]!]!;
  }
  return aligned;
}

/** The steps of facenet-pytorch's extract_face with margin 0. @returns [size, size, 3], 0..255 */
function cutByBox(image: RgbImage, box: Sides, size: number): Uint8Array {
  return resizeBilinear(image, faceWindow(box, image), size);
}

/** The box clipped to the photo, in whole pixels; at least one pixel, at the photo's edge. */
export function faceWindow(box: Sides, { width, height }: RgbImage): PixelWindow {
  const left = Math.min(Math.trunc(Math.max(box[0], 0)), width - 1);
  const top = Math.min(Math.trunc(Math.max(box[1], 0)), height - 1);
  const right = Math.max(Math.trunc(Math.min(box[2], width)), left + 1);
  const bottom = Math.max(Math.trunc(Math.min(box[3], height)), top + 1);
  return { left, top, right, bottom };
}
