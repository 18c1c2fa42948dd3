/**
 * The three stages of MTCNN (Zhang et al. 2016): P-Net proposes boxes at every scale, R-Net refines them,
 * O-Net confirms them and adds five landmarks. Thresholds and order are those of facenet-pytorch's MTCNN
 * with min_face_size 20 and its other defaults, so that both give the same faces.
 */
import type { RgbImage } from '../image/image.ts';
import type { Networks } from '../networks.ts';
import { joinRows, pickRows, regressBoxes, squareBoxes } from './boxes.ts';
import { doubtfulEdges, doubtfulOverlaps, doubtfulScores } from './certainty.ts';
import { insidePhoto } from './crops.ts';
import { type DetectedBoxes, type DetectedFace, facesOf, MAX_OVERLAP } from './faces.ts';
import { suppressByUnion } from './nms.ts';
import type { Proposals } from './propose/proposals.ts';
import { proposeOnScales } from './propose/propose.ts';
import { buildPyramid, type Level, pyramidScales } from './pyramid.ts';
import { answersTo, confirmation, refinement, StageAnswers, settle } from './stage-answers.ts';

const MIN_FACE_SIZE = 20;
const PYRAMID_FACTOR = 0.709;
const THRESHOLDS = { propose: 0.6, refine: 0.7, confirm: 0.7 } as const;
const OVERLAPS = { withinScale: 0.5, acrossScales: 0.7, refine: 0.7 } as const;

/**
 * Maximum number of proposals that are refined, the most probable first. A photo of a thousand faces has
 * about 25,000; a mosaic made to exhaust the service would have hundreds of thousands.
 */
const MAX_PROPOSALS = 30_000;

export type CascadeNetworks = Pick<
  Networks,
  'propose' | 'proposeBlocks' | 'sieve' | 'refine' | 'output' | 'ownStages'
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
  const squares = refineBoxes(networks, image, joinScales(perScale), answers);
  const { last } = answers;
  if (last && areSame(last.squares, squares)) return last.boxes;
  const boxes = confirmBoxes(networks, image, squares, answers);
  answers.last = { squares, boxes };
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
  answers: StageAnswers,
): Float32Array {
  const { boxes, windows } = insidePhoto(squares, image);
  const stage = refinement(networks, answers);
  for (;;) {
    const answered = { boxes, ...answersTo(stage, image, windows) };
    const above = indicesAbove(answered.scores, THRESHOLDS.refine);
    const passed = pick(answered, above);
    const stay = suppressByUnion(passed, OVERLAPS.refine);
    const kept = pick(passed, stay);
    const moved = squareBoxes(regressBoxes(kept.boxes, kept.regression, 1));
    const doubtful = [
      ...doubtfulScores(answered, THRESHOLDS.refine),
      ...doubtfulEdges(moved).map((at) => above[stay[at]!]!),
    ].filter((row) => answered.isExact[row] === 0);
    if (doubtful.length === 0) return moved;
    settle(stage, image, windows, [...new Set(doubtful)]);
  }
}

/** @returns the boxes that O-Net takes for faces, moved, with their landmarks */
function confirmBoxes(
  networks: CascadeNetworks,
  image: RgbImage,
  squares: Float32Array,
  answers: StageAnswers,
): DetectedBoxes {
  const { boxes, windows } = insidePhoto(squares, image);
  const stage = confirmation(networks, answers);
  for (;;) {
    const answered = { boxes, ...answersTo(stage, image, windows) };
    const above = indicesAbove(answered.scores, THRESHOLDS.confirm);
    const passed = pick(answered, above);
    const moved = regressBoxes(passed.boxes, passed.regression, 1);
    const doubtful = [
      ...doubtfulScores(answered, THRESHOLDS.confirm),
      ...[...doubtfulEdges(moved), ...doubtfulOverlaps(moved, MAX_OVERLAP)].map((at) => above[at]!),
    ].filter((row) => answered.isExact[row] === 0);
    if (doubtful.length === 0) {
      // Landmarks are shares of the box that O-Net was given, not of the box it answers with.
      const landmarks = landmarksOf(passed.boxes, pickRows(answered.shares, 10, above));
      return { boxes: moved, scores: passed.scores, landmarks };
    }
    settle(stage, image, windows, [...new Set(doubtful)]);
  }
}

function pick({ boxes, scores, regression }: Proposals, indices: ArrayLike<number>): Proposals {
  return {
    boxes: pickRows(boxes, 4, indices),
    scores: pickRows(scores, 1, indices),
    regression: pickRows(regression, 4, indices),
  };
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
