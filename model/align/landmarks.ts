/**
 * Cuts a face turned upright and scaled by its landmarks, as dlib's get_face_chip cuts it for the compact
 * encoder's network.
 */
import type { Point } from '../detect/faces.ts';
import type { RgbImage } from '../image/image.ts';
import { sampleSimilarity } from './sample.ts';
import { similarityBetween } from './similarity.ts';

/**
 * MTCNN's landmarks in a face cut by dlib, in MTCNN's order, as shares of the face's square. These are not
 * dlib's own points: MTCNN marks eyes and mouth a little higher and wider. Medians over 35 faces, made
 * symmetric: docs/encoders.md.
 */
const MEAN_FACE: readonly Point[] = [
  [0.2286, 0.2011],
  [0.7714, 0.2011],
  [0.5, 0.541],
  [0.2581, 0.7706],
  [0.7419, 0.7706],
];
/** Margin on each side of the face's square, as a share of it; the network was trained with it. */
const PADDING = 0.25;

/**
 * @param landmarks five points in px
 * @returns [size, size, 3], 0..255, black outside the photo
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
