/** A plan by plain loops in double precision, for comparison. */
import type { EncoderPlan, PlanStep } from './plan.ts';

type Values = Float64Array;

/** @param images of the plan's first map, one after the other */
export function plainAnswers(
  plan: EncoderPlan,
  weights: Float32Array,
  images: Float32Array,
  count: number,
): Float64Array {
  const size = images.length / count;
  const answers = Array.from({ length: count }, (_, image) =>
    answerOf(plan, weights, Float64Array.from(images.subarray(image * size, (image + 1) * size))),
  );
  return Float64Array.from(answers.flatMap((answer) => [...answer]));
}

function answerOf({ maps, steps }: EncoderPlan, weights: Float32Array, image: Values): Values {
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
    } else {
      for (let y = 0; y < to.height; y++) {
        for (let x = 0; x < to.width; x++) {
          const window = windowOf(step, from, y, x);
          for (let o = 0; o < step.outputs; o++) {
            const at = (y * to.width + x) * to.channels + step.channel + o;
            output[at] =
              step.kind === 'maximum'
                ? largest(window, input, from.channels, o)
                : sumOf(step, from.channels, window, input, weights, o, step.add ? output[at]! : 0);
          }
        }
      }
    }
  }
  return all[steps.at(-1)!.to]!;
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
  weights: Float32Array,
  output: number,
  before: number,
): number {
  let total = weights[step.bias + output]! + before;
  for (const { pixel, tap } of window) {
    for (let i = 0; i < channels; i++) {
      const filter = step.filter + (tap * channels + i) * step.outputs + output;
      total += input[pixel * channels + i]! * weights[filter]!;
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
