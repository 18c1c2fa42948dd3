/** Plans of one convolution in bfloat16 each, of every shape that an encoder's plan has, and some that it has not. */
import { toBfloat16 } from '../../../convert/networks/bfloat16-rounding.ts';
import type { AmxCase } from './amx-answers.fixture.ts';
import type { PlanMap, PlanStep, PlanWeights } from './plan.ts';

/** One convolution in bfloat16. */
interface Shape {
  readonly taps: readonly [number, number];
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly stride?: number;
  /** Of the map that it reads; default: none. Padded where its windows reach beyond. */
  readonly border?: readonly [number, number];
  readonly borderAfter?: readonly [number, number];
  readonly add?: boolean;
  readonly relu?: boolean;
  /** Whether the images of a batch are computed together. */
  readonly together?: boolean;
  readonly count?: number;
}

export const shapes: Record<string, Shape> = {
  '3 x 3 without a border, lines longer than two tiles': {
    ...{ taps: [3, 3], size: [7, 40], channels: [32, 32], relu: true },
  },
  '3 x 3 with borders before and after': {
    ...{ taps: [3, 3], size: [27, 27], channels: [32, 32], border: [1, 1], borderAfter: [1, 1] },
  },
  '3 x 3 of 80 inputs, in a last panel of 16': {
    ...{ taps: [3, 3], size: [6, 21], channels: [80, 48], relu: true },
  },
  '1 x 1 of 80 inputs': { taps: [1, 1], size: [5, 7], channels: [80, 64] },
  '1 x 1 of 48 inputs': { taps: [1, 1], size: [5, 7], channels: [48, 16] },
  '1 x 1 of 16 inputs': { taps: [1, 1], size: [3, 33], channels: [16, 32] },
  '3 x 3 with a stride of 2': { taps: [3, 3], size: [27, 27], channels: [64, 32], stride: 2 },
  '3 x 3 with a stride of 2 of four small maps': {
    ...{ taps: [3, 3], size: [13, 13], channels: [32, 64], stride: 2, together: true, count: 4 },
  },
  '1 x 7 into a map with another border': {
    ...{ taps: [1, 7], size: [13, 13], channels: [64, 32], border: [0, 3], borderAfter: [3, 0] },
  },
  '7 x 1': { taps: [7, 1], size: [13, 13], channels: [64, 32], border: [3, 0], together: true },
  '1 x 1 that adds, of a map with one line and a row': {
    ...{ taps: [1, 1], size: [1, 17], channels: [64, 96], add: true, relu: true },
  },
  '1 x 1 that adds without ReLU, of five images together': {
    ...{ taps: [1, 1], size: [6, 6], channels: [96, 64], add: true, together: true, count: 5 },
  },
  '1 x 3 of three images together': {
    ...{ taps: [1, 3], size: [6, 6], channels: [64, 64], border: [0, 1], borderAfter: [1, 0] },
    ...{ together: true, count: 3, relu: true },
  },
  '3 x 1 of two images together': {
    ...{ taps: [3, 1], size: [6, 6], channels: [64, 64], border: [1, 0], together: true },
  },
  '1 x 1 of a map whose border it does not read': {
    ...{ taps: [1, 1], size: [6, 6], channels: [32, 32], border: [1, 2], together: true, count: 4 },
  },
  'a single pixel': { taps: [1, 1], size: [1, 1], channels: [64, 32], together: true },
};

let seed = 7;
/** Numbers of bfloat16. */
function values(count: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return toBfloat16(seed / 2 ** 32 - 0.5);
  });
}

/** An image of as many channels, cast to bfloat16, the convolution, and its map cast back. */
export function caseOf(shape: Shape): AmxCase {
  const { taps, channels, stride = 1, border = [0, 0], add = false, count = 2 } = shape;
  const [height, width] = shape.size;
  const padded = [taps[0] > 1 ? border[0] : 0, taps[1] > 1 ? border[1] : 0] as const;
  const sides = [0, 1].map(
    (axis) => Math.floor((shape.size[axis]! + 2 * padded[axis]! - taps[axis]!) / stride) + 1,
  );
  const map = (
    [h, w]: readonly number[],
    of: number,
    type: PlanMap['type'],
    [y, x]: readonly [number, number] = [0, 0],
  ): PlanMap => ({ height: h!, width: w!, channels: of, border: { y, x }, type });
  // A branch beside it writes the first channels.
  const all = channels[1] + 16;
  const maps = [
    map(shape.size, channels[0], 'float32'),
    map(shape.size, channels[0], 'bfloat16', border),
    map(sides, all, 'bfloat16', shape.borderAfter),
    map(sides, all, 'float32'),
  ];
  let used = 0;
  const weightsAt = (length: number): PlanWeights => {
    used += length;
    return { at: used - length, storage: 'float32' };
  };
  const window = { height: taps[0], width: taps[1], stride, top: padded[0], left: padded[1] };
  const convolution = (channel: number, outputs: number, change: Partial<PlanStep>): PlanStep => ({
    ...{ kind: 'convolution', from: 1, to: 2, channel, outputs, add: false, relu: false },
    ...window,
    filter: weightsAt(taps[0] * taps[1] * channels[0] * outputs),
    bias: weightsAt(outputs),
    ...change,
  });
  const own = { add, relu: shape.relu ?? false };
  const none: PlanWeights = { at: 0, storage: 'float32' };
  const cast = (from: number, to: number): PlanStep => ({
    ...{ kind: 'cast', from, to, channel: 0, height: 0, width: 0, stride: 0, top: 0, left: 0 },
    ...{ outputs: maps[from]!.channels, add: false, relu: false, filter: none, bias: none },
  });
  const steps = [
    cast(0, 1),
    convolution(0, 16, {}),
    ...(add ? [convolution(16, channels[1], {})] : []),
    convolution(16, channels[1], own),
    cast(2, 3),
  ];
  const plan = { each: shape.together ? 0 : steps.length - 1, maps, steps };
  return {
    ...{ plan, weights: values(used), count },
    images: values(height * width * channels[0] * count),
  };
}
