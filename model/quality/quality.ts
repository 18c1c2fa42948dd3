/**
 * How usable a face is for recognition, with a sentence for each thing that is wrong. Each score is 0 to 1,
 * and 0.5 where photos that were spoilt on purpose had moved as far from themselves as another photo of the
 * same person is: docs/accuracy.md. Uses no network: pixels and landmarks only.
 */
import type { DetectedFace } from '../detect/faces.ts';
import type { EncoderDescription } from '../format.ts';
import type { RgbImage } from '../image/image.ts';
import { detailOf, greyFaceOf, type Light, lightOf } from './grey-face.ts';
import { type Pose, poseOf } from './pose.ts';

export interface Quality {
  /** The least of the others. */
  readonly score: number;
  readonly size: number;
  readonly sharpness: number;
  readonly light: number;
  readonly pose: number;
  /** The detector's. */
  readonly confidence: number;
  /** A sentence for each that is low, e.g. "The face is blurred."; the worst first. */
  readonly reasons: readonly string[];
}

/** A score below this is low, and has a reason. */
const LOW = 0.5;

/** From a value that is useless to one that could not be better. */
interface Scale {
  readonly useless: number;
  readonly good: number;
}

/** px, the shorter side of the face's box */
const SIZE: Scale = { useless: 20, good: 80 };
const DETAIL: Scale = { useless: 0.004, good: 0.1 };
/** Levels of grey. The brightest part of a face is bright on dark skin too, where the light is good. */
const BRIGHTNESS: Scale = { useless: 20, good: 120 };
/** From the darkest part to the brightest, as a share of the brightest: dim light alone leaves it as it is. */
const CONTRAST: Scale = { useless: 0.07, good: 0.4 };
/** Share of white pixels. */
const BLOWN: Scale = { useless: 0.75, good: 0.05 };
/** Degrees. */
const YAW: Scale = { useless: 60, good: 20 };
const PITCH: Scale = { useless: 50, good: 20 };
const ROLL: Scale = { useless: 45, good: 10 };
/** The detector returns nothing below 0.7. */
const PROBABILITY: Scale = { useless: 0.7, good: 0.99 };

type Judgement = readonly [score: number, reason: string];

/** @param image the photo in the turn that the face was found in */
export function qualityOf(
  image: RgbImage,
  { box, landmarks, probability }: DetectedFace,
  { alignment }: Pick<EncoderDescription, 'alignment'>,
): Quality {
  const [x1, y1, x2, y2] = box;
  const side = Math.min(x2 - x1, y2 - y1);
  const grey = greyFaceOf(image, box);
  const found = {
    size: [byFactor(side, SIZE), `The face is small: ${Math.round(side)} pixels.`] as Judgement,
    sharpness: [grey ? byFactor(detailOf(grey), DETAIL) : 0, 'The face is blurred.'] as Judgement,
    light: grey ? judgeLight(lightOf(grey)) : ([0, 'The face is not in the photo.'] as Judgement),
    pose: judgePose(poseOf(landmarks), alignment),
    confidence: [
      byStep(probability, PROBABILITY),
      'It is not certain that this is a face.',
    ] as Judgement,
  };
  const low = Object.values(found).filter(([score]) => score < LOW);
  return {
    score: rounded(Math.min(...Object.values(found).map(([score]) => score))),
    size: rounded(found.size[0]),
    sharpness: rounded(found.sharpness[0]),
    light: rounded(found.light[0]),
    pose: rounded(found.pose[0]),
    confidence: rounded(found.confidence[0]),
    reasons: low.toSorted(([a], [b]) => a - b).map(([, reason]) => reason),
  };
}

function judgeLight({ bright, dark, blown }: Light): Judgement {
  return worst([
    [byFactor(bright, BRIGHTNESS), 'The face is too dark.'],
    [byStep(blown, BLOWN), 'The face is overexposed.'],
    [
      byFactor((bright - dark) / Math.max(bright, 1), CONTRAST),
      'The face has too little contrast.',
    ],
  ]);
}

function judgePose(
  { yaw, pitch, roll }: Pose,
  alignment: EncoderDescription['alignment'],
): Judgement {
  return worst([
    [byStep(Math.abs(yaw), YAW), 'The head is turned to the side.'],
    [byStep(Math.abs(pitch), PITCH), `The head is ${pitch > 0 ? 'raised' : 'lowered'}.`],
    // An encoder that takes faces by their landmarks has them upright.
    [alignment === 'box' ? byStep(Math.abs(roll), ROLL) : 1, 'The head leans to one side.'],
  ]);
}

function worst(all: readonly Judgement[]): Judgement {
  return all.reduce((least, one) => (one[0] < least[0] ? one : least));
}

/** Where a value twice as large is one step better, wherever it begins. */
function byFactor(value: number, { useless, good }: Scale): number {
  return byStep(Math.log(Math.max(value, 1e-9)), {
    useless: Math.log(useless),
    good: Math.log(good),
  });
}

function byStep(value: number, { useless, good }: Scale): number {
  const score = (value - useless) / (good - useless);
  return Number.isFinite(score) ? Math.min(Math.max(score, 0), 1) : 0;
}

function rounded(score: number): number {
  return Number(score.toFixed(2));
}
