/**
 * Finds the quarter turn in which a photo's faces are upright: copies from messengers, scans and exports can
 * be turned without an EXIF orientation. Turns are tried only if no clear face is upright, so most photos
 * take no longer. docs/architecture.md says how a clear face is defined.
 */

import type { RgbImage } from '../image/image.ts';
import { resizeBilinear } from '../image/resample.ts';
import { type QuarterTurn, turnImage } from '../image/turn.ts';
import type { CascadeNetworks } from './cascade.ts';
import { detectFaces } from './cascade.ts';
import type { DetectedFace } from './faces.ts';

export interface UprightFaces {
  /** The photo after the turn. */
  readonly image: RgbImage;
  readonly turn: QuarterTurn;
  /** In pixels of the turned photo. */
  readonly faces: readonly DetectedFace[];
}

/** px: longer side at which turns are tried. Three of them take less time than a large photo itself. */
const TRIAL_SIDE = 320;
/** Faces upside down or on their side are found too, but nearly always with a lower probability. */
const CLEAR_PROBABILITY = 0.995;
/** Minimum distance of landmarks, as a share of the face's size: they are closer on a face on its side. */
const MIN_DISTANCE = 0.25;
/** Tangent of 35 degrees. */
const MAX_TILT = 0.7;

/**
 * @param detect finds the requested faces in the whole photo
 */
export function findUpright(
  networks: CascadeNetworks,
  image: RgbImage,
  detect: (image: RgbImage) => readonly DetectedFace[],
): UprightFaces {
  const faces = detect(image);
  const asSent: UprightFaces = { image, turn: 0, faces };
  if (faces.some(isClear)) return asSent;
  const turn = clearTurn(networks, shrunk(image), faces.length > 0);
  if (turn === 0) return asSent;
  const turned = turnImage(image, turn);
  const upright = detect(turned);
  return upright.some(isClear) ? { image: turned, turn, faces: upright } : asSent;
}

/** Whether a face is so certain and so upright that no other turn needs to be tried. */
export function isClear({ box, probability, landmarks }: DetectedFace): boolean {
  if (probability < CLEAR_PROBABILITY) return false;
  const [leftEye, rightEye, , left, right] = landmarks;
  const [width, height] = [box[2] - box[0], box[3] - box[1]];
  if (height <= width) return false;
  const least = MIN_DISTANCE * Math.sqrt(width * height);
  const [across, slope] = [rightEye[0] - leftEye[0], rightEye[1] - leftEye[1]];
  const down = (left[1] + right[1] - leftEye[1] - rightEye[1]) / 2;
  const aside = (left[0] + right[0] - leftEye[0] - rightEye[0]) / 2;
  return (
    across > least &&
    down > least &&
    Math.abs(slope) < MAX_TILT * across &&
    Math.abs(aside) < MAX_TILT * down
  );
}

/** The turn with the most probable clear face; 0 if no turn has one, or if a smaller face is upright already. */
function clearTurn(networks: CascadeNetworks, image: RgbImage, hasFaces: boolean): QuarterTurn {
  const clear = (turn: QuarterTurn): number =>
    Math.max(
      0,
      ...detectFaces(networks, turnImage(image, turn))
        .filter(isClear)
        .map(({ probability }) => probability),
    );
  let best: QuarterTurn = 0;
  let most = 0;
  for (const turn of [90, 180, 270] as const) {
    const probability = clear(turn);
    if (probability > most) [best, most] = [turn, probability];
  }
  return best !== 0 && hasFaces && clear(0) > 0 ? 0 : best;
}

function shrunk(image: RgbImage): RgbImage {
  const { width, height } = image;
  const scale = TRIAL_SIDE / Math.max(width, height);
  if (scale >= 1) return image;
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  const [wide, high] = [side(width), side(height)];
  const whole = { left: 0, top: 0, right: width, bottom: height };
  return { width: wide, height: high, data: resizeBilinear(image, whole, wide, high) };
}
