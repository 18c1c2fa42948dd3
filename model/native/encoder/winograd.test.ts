/** Winograd's convolutions against plain loops: each method, with tiles that reach over the map's edges. */
import assert from 'node:assert/strict';
import { platform } from 'node:os';
import { before, describe, it } from 'node:test';
import { cpuinfoHere } from '../machine.ts';
import { loadOwnAddon } from '../own-addons.ts';
import { tfjsNodeFolder } from '../paths.ts';
import { addOwnAddon } from '../set-up/own-addons.ts';
import { findTools } from '../set-up/tools.ts';
import { BATCH, type EncoderAddon, vectorsOf } from './encoder-addon.ts';
import { plainAnswers } from './plain-steps.fixture.ts';
import { type EncoderPlan, type PlanStep, type PlanWeights, planWords } from './plan.ts';

const { compiler } = await findTools();
const cannot =
  platform() !== 'linux' || compiler === undefined || vectorsOf(cpuinfoHere()) === undefined
    ? 'needs Linux, a C++ compiler and AVX2'
    : false;

/** One convolution and the map that it reads; a batch's images are computed together or one by one. */
interface Shape {
  /** Outputs that are computed together. */
  readonly tile: string;
  readonly taps: readonly [number, number];
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly stride?: number;
  readonly same?: boolean;
  readonly add?: boolean;
  readonly relu?: boolean;
  readonly together?: boolean;
}

const shapes: Record<string, Shape> = {
  '3 x 3 on whole tiles': { tile: '4x4', taps: [3, 3], size: [18, 22], channels: [16, 32] },
  '3 x 3 on tiles that are cut below and on the right': {
    ...{ tile: '4x4', taps: [3, 3], size: [17, 19], channels: [16, 32], same: true, relu: true },
  },
  '3 x 3 added to what is there, in panels of two widths': {
    ...{ tile: '4x4', taps: [3, 3], size: [16, 15], channels: [48, 48], same: true, add: true },
  },
  '3 x 3 of many blocks': {
    ...{ tile: '4x4', taps: [3, 3], size: [49, 50], channels: [80, 16], same: true },
  },
  '3 x 3 of many images together': {
    ...{
      tile: '4x4',
      taps: [3, 3],
      size: [15, 16],
      channels: [32, 32],
      same: true,
      together: true,
    },
  },
  '3 x 3 on a map of few pixels': {
    ...{ tile: '2x2', taps: [3, 3], size: [11, 9], channels: [64, 48], same: true, relu: true },
  },
  '3 x 3 with a stride of 2': {
    ...{ tile: '3x3', taps: [3, 3], size: [43, 37], channels: [32, 48], stride: 2 },
  },
  '3 x 3 with a stride of 2 on cut tiles': {
    ...{ tile: '3x3', taps: [3, 3], size: [48, 42], channels: [32, 48], stride: 2, relu: true },
  },
  '1 x 7': { tile: '1x4', taps: [1, 7], size: [13, 13], channels: [32, 32], same: true },
  '7 x 1': {
    ...{ tile: '4x1', taps: [7, 1], size: [13, 13], channels: [32, 32], same: true, add: true },
  },
  '7 x 1 without a border': { tile: '4x1', taps: [7, 1], size: [18, 12], channels: [32, 48] },
};

/** Values between -0.5 and 0.5, the same in every run. */
function values(count: number): Float32Array {
  let seed = count;
  return Float32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  });
}

/** The image's four channels are spread over the inputs, convolved, and written behind 16 other channels. */
function planAround(shape: Shape): { plan: EncoderPlan; weights: Float32Array; image: number } {
  const { taps, size, channels, stride = 1, same, add = false, relu = false } = shape;
  const [inputs, outputs] = channels;
  const [top, left] = same ? taps.map((length) => (length - 1) / 2) : [0, 0];
  const sides = size.map((side, axis) =>
    same ? side : Math.floor((side - taps[axis]!) / stride) + 1,
  );
  const map = (height: number, width: number, count: number, y = 0, x = 0) => ({
    ...{ height, width, channels: count, border: { y, x }, type: 'float32' as const },
  });
  const weightsAt = (at: number): PlanWeights => ({ at, storage: 'float32' });
  let used = 0;
  const step = (from: number, to: number, change: Partial<PlanStep>): PlanStep => {
    const whole: PlanStep = {
      ...{ kind: 'convolution', from, to, channel: 16, height: taps[0], width: taps[1], stride },
      ...{ top: top!, left: left!, outputs, add: false, relu: false },
      ...{ filter: weightsAt(used), bias: weightsAt(0) },
      ...change,
    };
    used += whole.height * whole.width * (from === 0 ? 4 : inputs) * whole.outputs;
    return { ...whole, bias: weightsAt(used - whole.outputs) };
  };
  const point = { height: 1, width: 1, stride: 1, top: 0, left: 0, channel: 0, outputs: inputs };
  const steps = [
    step(0, 1, { ...point, relu: true }),
    ...(add ? [step(1, 2, {})] : []),
    step(1, 2, { add, relu }),
  ];
  const maps = [
    map(size[0], size[1], 4),
    map(size[0], size[1], inputs, top, left),
    map(sides[0]!, sides[1]!, outputs + 16),
  ];
  const plan = { each: shape.together ? 0 : steps.length - 1, maps, steps };
  return { plan, weights: values(used), image: size[0] * size[1] * 4 };
}

describe('Winograd’s convolutions', { skip: cannot, timeout: 60_000 }, () => {
  before(() => addOwnAddon('encoder', tfjsNodeFolder));

  for (const [name, shape] of Object.entries(shapes)) {
    it(`answer as plain loops do: ${name}`, () => {
      const { plan, weights, image } = planAround(shape);
      const images = values(image * 2);
      const expected = plainAnswers(plan, weights, images, 2);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (const flags of ['avx2 fma', 'avx2 fma avx512f']) {
        if (!flags.split(' ').every((flag) => cpuinfoHere().includes(` ${flag}`))) continue;
        const { open, run, methods } = loadOwnAddon<EncoderAddon>('encoder')!;
        const engine = open(planWords(plan, BATCH), weights, flags.includes('avx512f'), true);
        assert.equal(methods(engine).trim().split(' ').at(-1), shape.tile);
        const answers = new Float32Array(expected.length);
        run(engine, images, answers);
        for (const [at, value] of answers.entries()) {
          const error = Math.abs(value - expected[at]!);
          assert.ok(error < 3e-6 * largest, `${flags}, ${at}: ${value}, ${expected[at]}`);
        }
      }
    });
  }
});
