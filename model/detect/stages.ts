/**
 * The three stages of MTCNN (Zhang et al. 2016): P-Net proposes boxes at every scale, R-Net refines them,
 * O-Net decides and gives five landmarks. Thresholds and order are those of facenet-pytorch's MTCNN with
 * min_face_size 20 and defaults otherwise, so that both answer alike. Knows not which scales and parts
 * of a photo are looked at.
 */
import type { RgbImage } from '../image/image.ts';
import type { Networks } from '../networks.ts';
import { boxAreas, joinRows, pickRows, regressBoxes, squareBoxes } from './boxes.ts';
import { suppressBySmaller, suppressByUnion } from './nms.ts';
import type { Proposals } from './proposals.ts';
import { proposeOnScales } from './propose.ts';
import { type Level, pyramidScales } from './pyramid.ts';
import { cropBatches, insidePhoto, pickWindows } from './windows.ts';

export type Point = readonly [x: number, y: number];
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** A face found in a photo. */
export interface DetectedFace {
  /** px, from the photo's upper left corner; may reach beyond its edges */
  readonly box: Box;
  /** O-Net's, 0..1 */
  readonly probability: number;
  /** left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them; px */
  readonly landmarks: readonly [Point, Point, Point, Point, Point];
}

const MIN_FACE_SIZE = 20;
const PYRAMID_FACTOR = 0.709;
const THRESHOLDS = { propose: 0.6, refine: 0.7, output: 0.7 } as const;
const OVERLAPS = { withinScale: 0.5, acrossScales: 0.7, refine: 0.7, output: 0.7 } as const;
const REFINE_SIZE = 24;
const OUTPUT_SIZE = 48;

/**
 * A photo of a thousand faces has some 25,000; a mosaic made to keep us busy would have hundreds of
 * thousands. The most probable are looked at.
 */
const MAX_PROPOSALS = 30_000;

export type CascadeNetworks = Pick<Networks, 'propose' | 'proposeBlocks' | 'refine' | 'output'>;

/** The scales of a photo at which faces of 20 px and more are found, finest first. */
export function scalesOf({ width, height }: RgbImage): number[] {
  return pyramidScales(width, height, MIN_FACE_SIZE, PYRAMID_FACTOR);
}

/** P-Net on several scales: on all of each, or on parts of it that do not overlap. */
export function propose(
  networks: CascadeNetworks,
  scales: readonly (readonly Level[])[],
): Proposals[] {
  return proposeOnScales(networks, scales, THRESHOLDS.propose).map((proposals) =>
    pick(proposals, suppressByUnion(proposals, OVERLAPS.withinScale)),
  );
}

/** What was said of one photo: one that is decided again asks only what is new. */
export class Said {
  /** R-Net, of windows. */
  readonly refined = new Map<number, RefinedWindow>();
  /** O-Net, of all boxes together: how it rounds depends on how many they are. */
  output?: { readonly squares: Float32Array; readonly verdict: Verdict };
}
interface RefinedWindow {
  readonly score: number;
  readonly regression: Float32Array;
}

/**
 * R-Net and O-Net on what P-Net proposed.
 * @param perScale in the order of the scales, since of equal scores the first stays
 */
export function decide(
  networks: CascadeNetworks,
  image: RgbImage,
  perScale: readonly Proposals[],
  said = new Said(),
): Verdict {
  const squares = refine(networks, image, joinScales(perScale), said.refined);
  const last = said.output;
  if (last && areSame(last.squares, squares)) return last.verdict;
  const verdict = output(networks, image, squares);
  said.output = { squares, verdict };
  return verdict;
}

function areSame(one: Float32Array, other: Float32Array): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

/** What O-Net holds for faces; of those that overlap much only one is. */
export interface Verdict {
  /** [count, 4] and [count] */
  readonly boxes: Float32Array;
  readonly scores: Float32Array;
  /** [count, 10]: five x, then five y, px */
  readonly landmarks: Float32Array;
}

/** @returns square boxes [count, 4] that may hold a face */
function joinScales(perScale: readonly Proposals[]): Float32Array {
  const proposals: Proposals = {
    boxes: joinRows(perScale.map(({ boxes }) => boxes)),
    scores: joinRows(perScale.map(({ scores }) => scores)),
    regression: joinRows(perScale.map(({ regression }) => regression)),
  };
  // Overlap is judged before the boxes are moved, across scales too.
  const { boxes, regression } = pick(
    proposals,
    suppressByUnion(proposals, OVERLAPS.acrossScales).subarray(0, MAX_PROPOSALS),
  );
  return squareBoxes(regressBoxes(boxes, regression, 0));
}

/** @returns those of the boxes [count, 4] that R-Net holds for a face, moved and squared */
function refine(
  networks: CascadeNetworks,
  image: RgbImage,
  squares: Float32Array,
  refined: Said['refined'],
): Float32Array {
  const { boxes, windows } = insidePhoto(squares, image);
  // The first pixel and the last one: a whole number for any photo of less than 2^26 pixels.
  const pixels = image.width * image.height;
  const keys = Array.from({ length: windows.length / 4 }, (_, row) => {
    const at = row * 4;
    const first = windows[at + 1]! * image.width + windows[at]!;
    const last = (windows[at + 3]! - 1) * image.width + windows[at + 2]! - 1;
    return first * pixels + last;
  });
  const open = keys.flatMap((key, row) => (refined.has(key) ? [] : [row]));
  let asked = 0;
  for (const [crops, many] of cropBatches(image, pickWindows(windows, open), REFINE_SIZE)) {
    const { probability, regression } = networks.refine(crops, many);
    const scores = faceProbability(probability);
    for (let at = 0; at < many; at++, asked++) {
      refined.set(keys[open[asked]!]!, {
        score: scores[at]!,
        regression: regression.slice(at * 4, at * 4 + 4),
      });
    }
  }
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

/** What O-Net holds for a face of the boxes [count, 4]. */
function output(networks: CascadeNetworks, image: RgbImage, squares: Float32Array): Verdict {
  const { boxes, windows } = insidePhoto(squares, image);
  const scores: Float32Array[] = [];
  const regressions: Float32Array[] = [];
  const shares: Float32Array[] = [];
  for (const [crops, count] of cropBatches(image, windows, OUTPUT_SIZE)) {
    const answer = networks.output(crops, count);
    scores.push(faceProbability(answer.probability));
    regressions.push(answer.regression);
    shares.push(answer.landmarks);
  }
  const answered = { boxes, scores: joinRows(scores), regression: joinRows(regressions) };
  const above = indicesAbove(answered.scores, THRESHOLDS.output);
  const passed = pick(answered, above);
  // Landmarks are shares of the box that O-Net saw, not of the one it answers with.
  const landmarks = landmarksOf(passed.boxes, pickRows(joinRows(shares), 10, above));
  const moved = regressBoxes(passed.boxes, passed.regression, 1);
  return { boxes: moved, scores: passed.scores, landmarks };
}

/** Largest first. */
export function facesOf({ boxes, scores, landmarks }: Verdict): DetectedFace[] {
  const kept = suppressBySmaller({ boxes, scores }, OVERLAPS.output);
  return facesBySize(
    pickRows(boxes, 4, kept),
    pickRows(scores, 1, kept),
    pickRows(landmarks, 10, kept),
  );
}

function pick({ boxes, scores, regression }: Proposals, indices: ArrayLike<number>): Proposals {
  return {
    boxes: pickRows(boxes, 4, indices),
    scores: pickRows(scores, 1, indices),
    regression: pickRows(regression, 4, indices),
  };
}

/** The second column of [count, 2]. */
function faceProbability(probability: Float32Array): Float32Array {
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
 * @param shares [count, 10]: five x, then five y, as shares of the box counted as x2 - x1 + 1
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

function facesBySize(
  boxes: Float32Array,
  scores: Float32Array,
  landmarks: Float32Array,
): DetectedFace[] {
  const areas = boxAreas(boxes);
  const order = [...areas.keys()].sort((a, b) => areas[b]! - areas[a]! || b - a);
  return order.map((row) => {
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
