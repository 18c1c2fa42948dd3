/**
 * How a head is turned, from the five landmarks. Pure.
 *
 * The nose stands out from the plane of eyes and mouth, so that it moves sideways between the eyes when the
 * head turns, and up or down between eyes and mouth when it nods. With a nose that stands out by `DEPTH` of
 * the distance between the eyes, a turn by the angle a moves it by DEPTH · tan a of that distance as it is
 * seen. Faces differ: the angles are right to about 8 degrees.
 */
import type { DetectedFace } from '../detect/faces.ts';

/** Degrees, 0 for a face that looks straight into an upright camera. */
export interface Pose {
  /** Turned to a side. */
  readonly yaw: number;
  /** Raised above 0, lowered below it. */
  readonly pitch: number;
  /** Leaning to a shoulder. */
  readonly roll: number;
}

const DEPTH = 0.55;
/** From the eyes to the mouth, as a share of the distance between the eyes. */
const EYES_TO_MOUTH = 1.05;
/** Where the nose is between eyes and mouth of a face that looks straight ahead. */
const NOSE = 0.6;

export function poseOf(landmarks: DetectedFace['landmarks']): Pose {
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = landmarks;
  const eyes = middle(leftEye, rightEye);
  const mouth = middle(leftMouth, rightMouth);
  const roll = degrees(Math.atan2(rightEye[1] - leftEye[1], rightEye[0] - leftEye[0]));
  // Along the face: from the eyes down to the mouth; across: from the left eye to the right.
  const down = [mouth[0] - eyes[0], mouth[1] - eyes[1]] as const;
  const height = Math.hypot(...down) || 1;
  const across = [down[1] / height, -down[0] / height] as const;
  const fromEyes = [nose[0] - eyes[0], nose[1] - eyes[1]] as const;
  const sideways = fromEyes[0] * across[0] + fromEyes[1] * across[1];
  const along = (fromEyes[0] * down[0] + fromEyes[1] * down[1]) / height ** 2;
  // A turned head shows eyes and mouth nearer to each other: the wider of both is the better measure.
  const width = Math.max(
    Math.hypot(rightEye[0] - leftEye[0], rightEye[1] - leftEye[1]),
    Math.hypot(rightMouth[0] - leftMouth[0], rightMouth[1] - leftMouth[1]),
    1e-6,
  );
  return {
    yaw: degrees(Math.atan(sideways / width / DEPTH)),
    pitch: degrees(Math.atan(((NOSE - along) * EYES_TO_MOUTH) / DEPTH)),
    roll,
  };
}

function middle(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
): readonly [number, number] {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}
