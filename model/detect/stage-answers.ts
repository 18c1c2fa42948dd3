/**
 * What R-Net and O-Net answer for windows of a photo. Their answers are kept, since a photo is decided twice if its
 * finest scales are searched last: then they are asked about new windows only.
 */
import type { RgbImage } from '../image/image.ts';
import type { Networks } from '../networks.ts';
import { joinRows } from './boxes.ts';
import { cropBatches, hasLoneCrop, pickWindows } from './crops.ts';
import type { DetectedBoxes } from './faces.ts';
import { promisingCrops } from './promising-crops.ts';

const REFINE_SIZE = 24;
const CONFIRM_SIZE = 48;

export class StageAnswers {
  /** R-Net's, by window. */
  readonly refined = new Map<number, Answer>();
  /** O-Net's, by window, of calls with several crops. */
  readonly confirmed = new Map<number, ConfirmedAnswer>();
  /** O-Net's last ones for a whole set of boxes. */
  last?: { readonly squares: Float32Array; readonly boxes: DetectedBoxes };
}

interface Answer {
  readonly score: number;
  readonly regression: Float32Array;
}

interface ConfirmedAnswer extends Answer {
  /** Five x, then five y, as shares of the box. */
  readonly shares: Float32Array;
}

/** Of windows, one after the other. */
interface Answers {
  readonly scores: Float32Array;
  readonly regression: Float32Array;
}

/** Of a window that R-Net was not asked about: its probability is below the threshold. */
const REJECTED: Answer = { score: 0, regression: new Float32Array(4) };

/** @param threshold windows of a lower probability may have any lower one in the answer */
export function refineWindows(
  networks: Pick<Networks, 'refine' | 'refinementSieve'>,
  image: RgbImage,
  windows: Int32Array,
  { refined }: StageAnswers,
  threshold: number,
): Answers {
  const keys = keysOf(windows, image);
  const open = keys.flatMap((key, row) => (refined.has(key) ? [] : [row]));
  const batches = cropBatches(image, pickWindows(windows, open), REFINE_SIZE);
  const { refinementSieve: sieve } = networks;
  for (const { crops, count, rows } of promisingCrops(batches, sieve, threshold)) {
    const { probability, regression } = networks.refine(crops, count);
    for (const [at, row] of rows.entries()) {
      refined.set(keys[open[row]!]!, answerAt(probability, regression, at));
    }
  }
  for (const row of open) if (!refined.has(keys[row]!)) refined.set(keys[row]!, REJECTED);
  return joined(keys.map((key) => refined.get(key)!));
}

export function confirmWindows(
  networks: Pick<Networks, 'output' | 'roundsAlike'>,
  image: RgbImage,
  windows: Int32Array,
  { confirmed }: StageAnswers,
): Answers & Pick<ConfirmedAnswer, 'shares'> {
  const keys = keysOf(windows, image);
  const isKept = networks.roundsAlike === true && !hasLoneCrop(keys.length, CONFIRM_SIZE);
  // Boxes of exactly equal scores must stay equal: all are asked together where the number of crops matters.
  const known = isKept ? confirmed : new Map<number, ConfirmedAnswer>();
  const open = keys.flatMap((key, row) => (known.has(key) ? [] : [row]));
  // One that is known goes with it.
  if (isKept && hasLoneCrop(open.length, CONFIRM_SIZE)) open.push(open[0] === 0 ? 1 : 0);
  let done = 0;
  for (const [crops, count] of cropBatches(image, pickWindows(windows, open), CONFIRM_SIZE)) {
    const { probability, regression, landmarks } = networks.output(crops, count);
    for (let at = 0; at < count; at++, done++) {
      known.set(keys[open[done]!]!, {
        ...answerAt(probability, regression, at),
        shares: landmarks.slice(at * 10, at * 10 + 10),
      });
    }
  }
  const answers = keys.map((key) => known.get(key)!);
  return { ...joined(answers), shares: joinRows(answers.map(({ shares }) => shares)) };
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

/** @param probability [count, 2]: not a face, face */
function answerAt(probability: Float32Array, regression: Float32Array, at: number): Answer {
  return {
    score: probability[at * 2 + 1]!,
    regression: regression.slice(at * 4, at * 4 + 4),
  };
}

function joined(answers: readonly Answer[]): Answers {
  return {
    scores: Float32Array.from(answers, ({ score }) => score),
    regression: joinRows(answers.map(({ regression }) => regression)),
  };
}
