/** A face found in a photo, and the step from O-Net's boxes to the list of faces. Contains no network calls. */
import { boxAreas, pickRows } from './boxes.ts';
import { suppressBySmaller } from './nms.ts';

export type Point = readonly [x: number, y: number];
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** A face found in a photo. */
export interface DetectedFace {
  /** px, from the photo's upper left corner; may extend past its edges */
  readonly box: Box;
  /** O-Net's, 0..1 */
  readonly probability: number;
  /** left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them; px */
  readonly landmarks: readonly [Point, Point, Point, Point, Point];
}

/** The boxes that O-Net takes for faces, before overlapping ones are suppressed. */
export interface DetectedBoxes {
  /** [count, 4] */
  readonly boxes: Float32Array;
  /** [count] */
  readonly scores: Float32Array;
  /** [count, 10]: five x, then five y, px */
  readonly landmarks: Float32Array;
}

/** Maximum overlap of two faces, as a share of the smaller one; facenet-pytorch's value. */
export const MAX_OVERLAP = 0.7;

/** One face for each group of overlapping boxes, largest first; of equally large ones the last box first. */
export function facesOf({ boxes, scores, landmarks }: DetectedBoxes): DetectedFace[] {
  const rows = suppressBySmaller({ boxes, scores }, MAX_OVERLAP);
  const kept = pickRows(boxes, 4, rows);
  const areas = boxAreas(kept);
  const order = [...areas.keys()].sort((a, b) => areas[b]! - areas[a]! || b - a);
  return order.map((at) => {
    const row = rows[at]!;
    const point = (index: number): Point => [
      landmarks[row * 10 + index]!,
      landmarks[row * 10 + 5 + index]!,
    ];
    const [x1, y1, x2, y2] = boxes.subarray(row * 4, row * 4 + 4);
    return {
      box: [x1!, y1!, x2!, y2!],
      probability: scores[row]!,
      landmarks: [point(0), point(1), point(2), point(3), point(4)],
    };
  });
}
