/** A plan by plain loops in double precision, for comparison; maps of bfloat16 are rounded when they are written. */
import { toBfloat16 } from '../../../convert/networks/bfloat16-rounding.ts';
import type { EncoderPlan, PlanMap, PlanStep, PlanWeights } from './plan.ts';

type Values = Float64Array;
type ReadWeight = (weights: PlanWeights, index: number) => number;

/** @param images of the plan's first map, one after the other */
export function plainAnswers(
  plan: EncoderPlan,
  weights: Float32Array,
  images: Float32Array,
  count: number,
): Float64Array {
  const size = images.length / count;
  const read = weightsReader(weights);
  const answers = Array.from({ length: count }, (_, image) =>
    answerOf(plan, read, Float64Array.from(images.subarray(image * size, (image + 1) * size))),
  );
  return Float64Array.from(answers.flatMap((answer) => [...answer]));
}

/** Of the file's numbers, however they are stored. */
function weightsReader(weights: Float32Array): ReadWeight {
  const upper = new Uint16Array(weights.buffer, weights.byteOffset, weights.length * 2);
  const float16 = new Float16Array(weights.buffer, weights.byteOffset, weights.length * 2);
  const wide = new Uint32Array(1);
  return ({ at, storage }, index) => {
    if (storage === 'float32') return weights[at + index]!;
    if (storage === 'float16') return float16[2 * at + index]!;
    wide[0] = upper[2 * at + index]! << 16;
    return new Float32Array(wide.buffer)[0]!;
  };
}

function answerOf({ maps, steps }: EncoderPlan, read: ReadWeight, image: Values): Values {
  const all = maps.map(({ height, width, channels }, at) =>
    at === 0 ? image : new Float64Array(height * width * channels),
  );
  for (const step of steps) {
    const [from, to] = [maps[step.from]!, maps[step.to]!];
    const [input, output] = [all[step.from]!, all[step.to]!];
    if (step.kind === 'mean') {
      output.fill(0);
      const pixels = from.height * from.width;
      for (const [at, value] of input.entries()) output[at % from.channels]! += value / pixels;
    } else if (step.kind === 'normalise') {
      const length = Math.hypot(...input);
      for (const [at, value] of input.entries()) output[at] = value / length;
    } else if (step.kind === 'cast') {
      for (const [at, value] of input.entries()) output[at] = roundedFor(to, value);
    } else {
      for (let y = 0; y < to.height; y++) {
        for (let x = 0; x < to.width; x++) {
          const window = windowOf(step, from, y, x);
          for (let o = 0; o < step.outputs; o++) {
            const at = (y * to.width + x) * to.channels + step.channel + o;
            const value =
              step.kind === 'maximum'
                ? largest(window, input, from.channels, o)
                : sumOf(step, from.channels, window, input, read, o, step.add ? output[at]! : 0);
            output[at] = roundedFor(to, value);
          }
        }
      }
    }
  }
  return all[steps.at(-1)!.to]!;
}

function roundedFor({ type }: PlanMap, value: number): number {
  return type === 'bfloat16' ? toBfloat16(value) : value;
}

/** The pixels of the map that a window covers. */
function windowOf(
  { height, width, stride, top, left }: PlanStep,
  map: { height: number; width: number },
  y: number,
  x: number,
): { pixel: number; tap: number }[] {
  return Array.from({ length: height * width }, (_, tap) => {
    const line = y * stride - top + Math.floor(tap / width);
    const column = x * stride - left + (tap % width);
    const inside = line >= 0 && line < map.height && column >= 0 && column < map.width;
    return inside ? [{ pixel: line * map.width + column, tap }] : [];
  }).flat();
}

function sumOf(
  step: PlanStep,
  channels: number,
  window: readonly { pixel: number; tap: number }[],
  input: Values,
  read: ReadWeight,
  output: number,
  before: number,
): number {
  let total = read(step.bias, output) + before;
  for (const { pixel, tap } of window) {
    for (let i = 0; i < channels; i++) {
      const weight = read(step.filter, (tap * channels + i) * step.outputs + output);
      total += input[pixel * channels + i]! * weight;
    }
  }
  return step.relu ? Math.max(total, 0) : total;
}

function largest(
  window: readonly { pixel: number }[],
  input: Values,
  channels: number,
  channel: number,
): number {
  return Math.max(...window.map(({ pixel }) => input[pixel * channels + channel]!));
}
