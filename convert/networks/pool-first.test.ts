/** Pooling first gives what pooling last gives, for slopes of any sign and size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConvolutionWeights } from './fold-batch-norm.ts';
import { poolFirst, scaleInputs } from './pool-first.ts';

const SLOPES = Float32Array.of(0.25, -0.5, 1.5, -2, 0, 1);
const INPUTS = 3;
const OUTPUTS = SLOPES.length;

let seed = 7;
function random(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 31 - 1;
}
const randoms = (length: number): Float32Array => Float32Array.from({ length }, random);

type Map = (y: number, x: number, channel: number) => number;

/** One value of a convolution without padding. */
function convolved({ filter, filterShape, bias }: ConvolutionWeights, of: Map): Map {
  const [height, width, inputs, outputs] = filterShape as [number, number, number, number];
  return (y, x, output) => {
    let sum = bias[output]!;
    for (let down = 0; down < height; down++) {
      for (let right = 0; right < width; right++) {
        for (let input = 0; input < inputs; input++) {
          const at = ((down * width + right) * inputs + input) * outputs + output;
          sum += filter[at]! * of(y + down, x + right, input);
        }
      }
    }
    return sum;
  };
}

const weights: ConvolutionWeights = {
  filter: randoms(9 * INPUTS * OUTPUTS),
  filterShape: [3, 3, INPUTS, OUTPUTS],
  bias: randoms(OUTPUTS),
};

for (const [width, height] of [
  [8, 6],
  [7, 6],
  [8, 7],
  [7, 7],
] as const) {
  test(`of ${width} x ${height} pixels every window has the same answer`, () => {
    const pixels = randoms(width * height * INPUTS);
    const image: Map = (y, x, channel) => pixels[(y * width + x) * INPUTS + channel]!;
    const plain = convolved(weights, image);
    const { lanes, either, other, signs } = poolFirst(weights, SLOPES);
    const count = either.filterShape[2]!;
    const blocks: Map = (row, column, channel) => {
      if (channel === 4 * INPUTS) return column * 2 + 1 >= width ? 1 : 0;
      if (channel === 4 * INPUTS + 1) return row * 2 + 1 >= height ? 1 : 0;
      const place = Math.floor(channel / INPUTS);
      const [y, x] = [row * 2 + (place >> 1), column * 2 + (place % 2)];
      // Whatever stands beyond the edge must not matter.
      return y < height && x < width ? image(y, x, channel % INPUTS) : 0.9;
    };
    const all = convolved(lanes, blocks);
    const pooled: Map = (y, x, lane) =>
      Math.max(...[0, 1, 2, 3].map((place) => all(y, x, place * count + lane)));
    const [one, two] = [convolved(either, pooled), convolved(other, pooled)];
    for (let y = 0; y < Math.ceil((height - 2) / 2); y++) {
      for (let x = 0; x < Math.ceil((width - 2) / 2); x++) {
        for (let output = 0; output < OUTPUTS; output++) {
          const window = [0, 1, 2, 3]
            .map((place) => [y * 2 + (place >> 1), x * 2 + (place % 2)] as const)
            .filter(([down, right]) => down < height - 2 && right < width - 2)
            .map(([down, right]) => plain(down, right, output))
            .map((value) => (value > 0 ? value : value * SLOPES[output]!));
          const found = signs[output]! * Math.max(one(y, x, output), two(y, x, output));
          assert.ok(Math.abs(found - Math.max(...window)) < 1e-5, `${y} ${x} ${output}`);
        }
      }
    }
  });
}

test('a slope above 1 turns the sign, which the next layer takes back', () => {
  const { signs } = poolFirst(weights, SLOPES);
  assert.deepEqual([...signs], [1, 1, -1, 1, 1, 1]);
  const next: ConvolutionWeights = {
    filter: Float32Array.of(1, 2, 3, 4),
    filterShape: [1, 1, 2, 2],
    bias: Float32Array.of(5, 6),
  };
  const { filter, bias } = scaleInputs(next, Float32Array.of(-1, 1));
  assert.deepEqual([...filter, ...bias], [-1, -2, 3, 4, 5, 6]);
});
