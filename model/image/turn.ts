/** Quarter turns of a photo and of the faces found in it. */
import type { DetectedFace, Point } from '../detect/faces.ts';
import type { RgbImage } from './image.ts';

/** Degrees clockwise. */
export type QuarterTurn = 0 | 90 | 180 | 270;

const CHANNELS = 3;

/** The photo turned clockwise; for 0 the photo itself. */
export function turnImage(image: RgbImage, turn: QuarterTurn): RgbImage {
  if (turn === 0) return image;
  const { width, height, data } = image;
  const [wide, high] = turn === 180 ? [width, height] : [height, width];
  const turned = new Uint8Array(data.length);
  // Index of the first pixel's target, and the steps to the targets of its right and of its lower neighbour.
  const [first, column, row] = {
    90: [wide - 1, wide, -1],
    180: [wide * high - 1, -1, -wide],
    270: [(high - 1) * wide, -wide, 1],
  }[turn] as [number, number, number];
  let from = 0;
  for (let y = 0; y < height; y++) {
    let to = (first + y * row) * CHANNELS;
    for (let x = 0; x < width; x++) {
      turned[to] = data[from]!;
      turned[to + 1] = data[from + 1]!;
      turned[to + 2] = data[from + 2]!;
      from += CHANNELS;
      to += column * CHANNELS;
    }
  }
  return { width: wide, height: high, data: turned };
}

/**
 * A face of the turned photo, in coordinates of the photo before the turn.
 * @param photo before the turn
 */
export function faceBeforeTurn(
  face: DetectedFace,
  { width, height }: Pick<RgbImage, 'width' | 'height'>,
  turn: QuarterTurn,
): DetectedFace {
  if (turn === 0) return face;
  const back = ([x, y]: Point): Point => {
    if (turn === 90) return [y, height - x];
    if (turn === 180) return [width - x, height - y];
    return [width - y, x];
  };
  const [x1, y1, x2, y2] = face.box;
  const [ax, ay] = back([x1, y1]);
  const [bx, by] = back([x2, y2]);
  const [leftEye, rightEye, nose, left, right] = face.landmarks;
  return {
    ...face,
    box: [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)],
    landmarks: [back(leftEye), back(rightEye), back(nose), back(left), back(right)],
  };
}
