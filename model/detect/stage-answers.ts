/**
 * What R-Net and O-Net answer for windows of a photo. Where the backend has own kernels for them, these answer, and
 * the networks are asked only where rounding could change a decision. Answers are kept, since a photo is decided twice
 * if its finest scales are searched last: only new windows are answered then.
 */
import type { RgbImage } from '../image/image.ts';
import { type Networks, OWN_ANSWER_VALUES, type OwnAnswers, type Refinement } from '../networks.ts';
import { LOGIT_MARGIN, type ScoreRanges } from './certainty.ts';
import { cropBatches, pickWindows } from './crops.ts';
import { faceProbability } from './face-probability.ts';
import type { DetectedBoxes } from './faces.ts';

/** Of a crop. */
interface Answer {
  readonly score: number;
  /** Scores that the network may give; both are `score` if it was asked. */
  readonly least: number;
  readonly most: number;
  readonly isExact: boolean;
  readonly regression: ArrayLike<number>;
  /** Five x, then five y, as shares of the box; of O-Net only. */
  readonly shares: ArrayLike<number>;
}

/** Of windows, one after the other. */
export interface Answers extends ScoreRanges {
  readonly scores: Float32Array;
  /** [count, 4] */
  readonly regression: Float32Array;
  /** [count, 10] */
  readonly shares: Float32Array;
}

export class StageAnswers {
  /** By window. */
  readonly refined = new Map<number, Answer>();
  readonly confirmed = new Map<number, Answer>();
  /** O-Net's last ones for a whole set of boxes. */
  last?: { readonly squares: Float32Array; readonly boxes: DetectedBoxes };
}

/** One of the two networks, for one photo. */
export interface Stage {
  /** px: side of its crops */
  readonly size: number;
  readonly known: Map<number, Answer>;
  readonly own: OwnAnswers | undefined;
  ask(crops: Float32Array, count: number): Refinement & { readonly landmarks?: Float32Array };
}

export function refinement(
  networks: Pick<Networks, 'refine' | 'ownStages'>,
  { refined }: StageAnswers,
): Stage {
  return {
    size: 24,
    known: refined,
    own: networks.ownStages?.refine,
    ask: (crops, count) => networks.refine(crops, count),
  };
}

export function confirmation(
  networks: Pick<Networks, 'output' | 'ownStages'>,
  { confirmed }: StageAnswers,
): Stage {
  const own = networks.ownStages?.confirm;
  return {
    size: 48,
    // Boxes of exactly equal scores must stay equal: the network, whose rounding may depend on the number of crops, is
    // asked about all of them together.
    known: own === undefined ? new Map() : confirmed,
    own,
    ask: (crops, count) => networks.output(crops, count),
  };
}

/** Answers for windows [count, 4]; by own kernels, where there are some. */
export function answersTo(stage: Stage, image: RgbImage, windows: Int32Array): Answers {
  const keys = keysOf(windows, image);
  const open = keys.flatMap((key, row) => (stage.known.has(key) ? [] : [row]));
  const put = (at: number, answer: Answer) => stage.known.set(keys[open[at]!]!, answer);
  let first = 0;
  for (const [crops, count] of cropBatches(image, pickWindows(windows, open), stage.size)) {
    if (stage.own === undefined)
      askNetwork(stage, crops, count, (at, answer) => put(first + at, answer));
    else askOwn(stage.own(crops, count), (at, answer) => put(first + at, answer));
    first += count;
  }
  return joined(keys.map((key) => stage.known.get(key)!));
}

/** Asks the network itself about some of the windows. */
export function settle(
  stage: Stage,
  image: RgbImage,
  windows: Int32Array,
  rows: readonly number[],
): void {
  const picked = pickWindows(windows, rows);
  const keys = keysOf(picked, image);
  let first = 0;
  for (const [crops, count] of cropBatches(image, picked, stage.size)) {
    // A network rounds a single crop in another way than several.
    const [data, number] = count === 1 ? [twice(crops), 2] : [crops, count];
    askNetwork(stage, data, number, (at, answer) => {
      if (at < count) stage.known.set(keys[first + at]!, answer);
    });
    first += count;
  }
}

function twice(crop: Float32Array): Float32Array {
  const both = new Float32Array(crop.length * 2);
  both.set(crop);
  both.set(crop, crop.length);
  return both;
}

type Put = (at: number, answer: Answer) => void;

function askNetwork(stage: Stage, crops: Float32Array, count: number, put: Put): void {
  const { probability, regression, landmarks } = stage.ask(crops, count);
  for (let at = 0; at < count; at++) {
    const score = probability[at * 2 + 1]!;
    put(at, {
      ...{ score, least: score, most: score, isExact: true },
      regression: regression.slice(at * 4, at * 4 + 4),
      shares: landmarks?.slice(at * 10, at * 10 + 10) ?? [],
    });
  }
}

function askOwn(answers: Float32Array, put: Put): void {
  for (let at = 0, from = 0; from < answers.length; at++, from += OWN_ANSWER_VALUES) {
    const [noFace, face] = [answers[from]!, answers[from + 1]!];
    put(at, {
      score: faceProbability(noFace, face),
      least: faceProbability(noFace, face - LOGIT_MARGIN),
      most: faceProbability(noFace, face + LOGIT_MARGIN),
      isExact: false,
      regression: answers.subarray(from + 2, from + 6),
      shares: answers.subarray(from + 6, from + OWN_ANSWER_VALUES),
    });
  }
}

/** First and last pixel of each window in one number, exact for any photo of less than 2^26 pixels. */
function keysOf(windows: Int32Array, { width, height }: RgbImage): number[] {
  const pixels = width * height;
  return Array.from({ length: windows.length / 4 }, (_, row) => {
    const at = row * 4;
    const first = windows[at + 1]! * width + windows[at]!;
    const last = (windows[at + 3]! - 1) * width + windows[at + 2]! - 1;
    return first * pixels + last;
  });
}

function joined(answers: readonly Answer[]): Answers {
  const regression = new Float32Array(answers.length * 4);
  const shares = new Float32Array(answers.length * 10);
  for (const [row, answer] of answers.entries()) {
    regression.set(answer.regression, row * 4);
    shares.set(answer.shares, row * 10);
  }
  return {
    scores: Float32Array.from(answers, ({ score }) => score),
    least: Float32Array.from(answers, ({ least }) => least),
    most: Float32Array.from(answers, ({ most }) => most),
    isExact: Uint8Array.from(answers, ({ isExact }) => Number(isExact)),
    regression,
    shares,
  };
}
