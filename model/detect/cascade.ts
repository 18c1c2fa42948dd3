/**
 * The three stages of MTCNN (Zhang et al. 2016): P-Net proposes boxes at every scale, R-Net refines them,
 * O-Net confirms them and adds five landmarks. Thresholds and order are those of facenet-pytorch's MTCNN
 * with min_face_size 20 and its other defaults, so that both give the same faces.
 */
import type { RgbImage } from '../image/image.ts';
import type { Networks } from '../networks.ts';
import { joinRows, pickRows, regressBoxes, squareBoxes } from './boxes.ts';
import { cropBatches, insidePhoto, pickWindows } from './crops.ts';
import { type DetectedBoxes, type DetectedFace, facesOf } from './faces.ts';
import { suppressByUnion } from './nms.ts';
import { promisingCrops } from './promising-crops.ts';
import type { Proposals } from './proposals.ts';
import { proposeOnScales } from './propose.ts';
import { buildPyramid, type Level, pyramidScales } from './pyramid.ts';

const MIN_FACE_SIZE = 20;
const PYRAMID_FACTOR = 0.709;
const THRESHOLDS = { propose: 0.6, refine: 0.7, confirm: 0.7 } as const;
const OVERLAPS = { withinScale: 0.5, acrossScales: 0.7, refine: 0.7 } as const;
const REFINE_SIZE = 24;
const CONFIRM_SIZE = 48;

/**
 * Maximum number of proposals that are refined, the most probable first. A photo of a thousand faces has
 * about 25,000; a mosaic made to exhaust the service would have hundreds of thousands.
 */
const MAX_PROPOSALS = 30_000;

export type CascadeNetworks = Pick<
  Networks,
  'propose' | 'proposeBlocks' | 'sieve' | 'refine' | 'refinementSieve' | 'output'
>;

/** Every face of at least 20 px in the photo, largest first. */
export function detectFaces(networks: CascadeNetworks, image: RgbImage): DetectedFace[] {
  const levels = buildPyramid(image, scalesOf(image));
  const perScale = proposeBoxes(
    networks,
    levels.map((level) => [level]),
  );
  return facesOf(confirmFaces(networks, image, perScale));
}

/** The scales of a photo at which faces of 20 px and more are found, finest first. */
export function scalesOf({ width, height }: RgbImage): number[] {
  return pyramidScales(width, height, MIN_FACE_SIZE, PYRAMID_FACTOR);
}

/** Runs P-Net on several scales: on the whole of each, or on parts of it that do not overlap. */
export function proposeBoxes(
  networks: CascadeNetworks,
  scales: readonly (readonly Level[])[],
): Proposals[] {
  return proposeOnScales(networks, scales, THRESHOLDS.propose).map((proposals) =>
    pick(proposals, suppressByUnion(proposals, OVERLAPS.withinScale)),
  );
}

/** R-Net's and O-Net's answers for one photo, so that a second pass runs them on new boxes only. */
export class StageAnswers {
  /** R-Net's, by window. */
  readonly refined = new Map<number, RefinedWindow>();
  /** O-Net's, for the whole set of boxes: its rounding depends on their number. */
  confirmed?: { readonly squares: Float32Array; readonly boxes: DetectedBoxes };
}
interface RefinedWindow {
  readonly score: number;
  readonly regression: Float32Array;
}
/** Of a window that R-Net was not asked about: its probability is below the threshold. */
const REJECTED: RefinedWindow = { score: 0, regression: new Float32Array(4) };

/**
 * Runs R-Net and O-Net on P-Net's proposals.
 * @param perScale in the order of the scales, because of equal scores the first one stays
 * @param answers from an earlier call for the same photo; this call adds its own
 */
export function confirmFaces(
  networks: CascadeNetworks,
  image: RgbImage,
  perScale: readonly Proposals[],
  answers = new StageAnswers(),
): DetectedBoxes {
  const squares = refineBoxes(networks, image, joinScales(perScale), answers.refined);
  const last = answers.confirmed;
  if (last && areSame(last.squares, squares)) return last.boxes;
  const boxes = confirmBoxes(networks, image, squares);
  answers.confirmed = { squares, boxes };
  return boxes;
}

function areSame(one: Float32Array, other: Float32Array): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

/** @returns square boxes [count, 4] that may hold a face */
function joinScales(perScale: readonly Proposals[]): Float32Array {
  const proposals: Proposals = {
    boxes: joinRows(perScale.map(({ boxes }) => boxes)),
    scores: joinRows(perScale.map(({ scores }) => scores)),
    regression: joinRows(perScale.map(({ regression }) => regression)),
  };
  // Overlap is measured before the boxes are moved, across scales too.
  const { boxes, regression } = pick(
    proposals,
    suppressByUnion(proposals, OVERLAPS.acrossScales).subarray(0, MAX_PROPOSALS),
  );
  return squareBoxes(regressBoxes(boxes, regression, 0));
}

/** @returns the boxes [count, 4] that R-Net takes for faces, moved and squared */
function refineBoxes(
  networks: CascadeNetworks,
  image: RgbImage,
  squares: Float32Array,
  refined: StageAnswers['refined'],
): Float32Array {
  const { boxes, windows } = insidePhoto(squares, image);
  // First and last pixel of the window in one number, exact for any photo of less than 2^26 pixels.
  const pixels = image.width * image.height;
  const keys = Array.from({ length: windows.length / 4 }, (_, row) => {
    const at = row * 4;
    const first = windows[at + 1]! * image.width + windows[at]!;
    const last = (windows[at + 3]! - 1) * image.width + windows[at + 2]! - 1;
    return first * pixels + last;
  });
  const open = keys.flatMap((key, row) => (refined.has(key) ? [] : [row]));
  const batches = cropBatches(image, pickWindows(windows, open), REFINE_SIZE);
  const { refinementSieve: sieve } = networks;
  for (const { crops, count, rows } of promisingCrops(batches, sieve, THRESHOLDS.refine)) {
    const { probability, regression } = networks.refine(crops, count);
    const scores = faceColumn(probability);
    for (const [at, row] of rows.entries()) {
      refined.set(keys[open[row]!]!, {
        score: scores[at]!,
        regression: regression.slice(at * 4, at * 4 + 4),
      });
    }
  }
  for (const row of open) if (!refined.has(keys[row]!)) refined.set(keys[row]!, REJECTED);
  const answers = keys.map((key) => refined.get(key)!);
  const answered = {
    boxes,
    scores: Float32Array.from(answers, ({ score }) => score),
    regression: joinRows(answers.map(({ regression }) => regression)),
  };
  const passed = pick(answered, indicesAbove(answered.scores, THRESHOLDS.refine));
  const kept = pick(passed, suppressByUnion(passed, OVERLAPS.refine));
  return squareBoxes(regressBoxes(kept.boxes, kept.regression, 1));
}

/** @returns the boxes that O-Net takes for faces, moved, with their landmarks */
function confirmBoxes(
  networks: CascadeNetworks,
  image: RgbImage,
  squares: Float32Array,
): DetectedBoxes {
  const { boxes, windows } = insidePhoto(squares, image);
  const scores: Float32Array[] = [];
  const regressions: Float32Array[] = [];
  const shares: Float32Array[] = [];
  for (const [crops, count] of cropBatches(image, windows, CONFIRM_SIZE)) {
    const answer = networks.output(crops, count);
    scores.push(faceColumn(answer.probability));
    regressions.push(answer.regression);
    shares.push(answer.landmarks);
  }
  const answered = { boxes, scores: joinRows(scores), regression: joinRows(regressions) };
  const above = indicesAbove(answered.scores, THRESHOLDS.confirm);
  const passed = pick(answered, above);
  // Landmarks are shares of the box that O-Net was given, not of the box it answers with.
  const landmarks = landmarksOf(passed.boxes, pickRows(joinRows(shares), 10, above));
  const moved = regressBoxes(passed.boxes, passed.regression, 1);
  return { boxes: moved, scores: passed.scores, landmarks };
}

function pick({ boxes, scores, regression }: Proposals, indices: ArrayLike<number>): Proposals {
  return {
    boxes: pickRows(boxes, 4, indices),
    scores: pickRows(scores, 1, indices),
    regression: pickRows(regression, 4, indices),
  };
}

/** The second column of [count, 2]. */
function faceColumn(probability: Float32Array): Float32Array {
  return new Float32Array(probability.length / 2).map((_, row) => probability[row * 2 + 1]!);
}

function indicesAbove(scores: Float32Array, threshold: number): number[] {
  const limit = Math.fround(threshold);
  const above: number[] = [];
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! > limit) above.push(index);
  }
  return above;
}

/**
 * @param shares [count, 10]: five x, then five y, as shares of the box measured as x2 - x1 + 1
 * @returns [count, 10]: five x, then five y, px
 */
function landmarksOf(boxes: Float32Array, shares: Float32Array): Float32Array {
  const { fround } = Math;
  const landmarks = new Float32Array(shares.length);
  for (let at = 0; at < shares.length; at++) {
    const box = Math.floor(at / 10) * 4 + (at % 10 < 5 ? 0 : 1);
    const size = fround(fround(boxes[box + 2]! - boxes[box]!) + 1);
    landmarks[at] = fround(fround(size * shares[at]!) + boxes[box]!) - 1;
  }
  return landmarks;
}
