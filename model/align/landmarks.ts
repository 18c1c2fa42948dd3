/**
 * A face turned upright and scaled by its landmarks, as dlib's get_face_chip cuts it for the compact
 * encoder's network. Knows which landmarks lie where, not how they were found.
 */
import type { Point } from '../detect/stages.ts';
import type { RgbImage } from '../image.ts';
import { sampleSimilarity } from './sample.ts';
import { similarityBetween } from './similarity.ts';

/**
 * Where dlib's mean face has the eyes, the nose and the corners of the mouth, in the order of the
 * landmarks and in shares of the face's square.
 */
const MEAN_FACE: readonly Point[] = [
  [0.2466, 0.2573],
  [0.7534, 0.2573],
  [0.5, 0.5485],
  [0.3063, 0.7634],
  [0.6937, 0.7634],
];
/** Of the face's square, left free on each side of it: with this the network was trained. */
const PADDING = 0.25;

/**
 * @param landmarks five points in px; beyond the photo it is black
 * @returns [size, size, 3], 0..255
 */
export function cutByLandmarks(
  image: RgbImage,
  landmarks: readonly Point[],
  size: number,
): Uint8Array {
  return sampleSimilarity(image, similarityBetween(templateOf(size), landmarks), size);
}

/** The mean face's points in a crop of `size` pixels. */
export function templateOf(size: number): Point[] {
  const place = (share: number): number => (size * (share + PADDING)) / (1 + 2 * PADDING);
  return MEAN_FACE.map(([x, y]): Point => [place(x), place(y)]);
}
