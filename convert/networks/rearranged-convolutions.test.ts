/** Rearranged convolutions answer as the plain ones do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConvolutionWeights } from './fold-batch-norm.ts';
import { type Block, gatherPixels, poolFirst, scaleInputs } from './rearranged-convolutions.ts';

type Image = { height: number; width: number; channels: number; data: Float64Array };

/** Stride 1, no padding, by the definition. */
function convolve(image: Image, { filter, filterShape, bias }: ConvolutionWeights): Image {
  const [high, wide, inputs, outputs] = filterShape as [number, number, number, number];
  const [height, width] = [image.height - high + 1, image.width - wide + 1];
  const data = new Float64Array(height * width * outputs);
  for (let at = 0; at < data.length; at++) {
    const o = at % outputs;
    const x = Math.floor(at / outputs) % width;
    const y = Math.floor(at / outputs / width);
    let sum = bias[o]!;
    for (let cell = 0; cell < high * wide; cell++) {
      const [down, right] = [Math.floor(cell / wide), cell % wide];
      for (let i = 0; i < inputs; i++) {
        const from = ((y + down) * image.width + x + right) * inputs + i;
        sum += image.data[from]! * filter[(cell * inputs + i) * outputs + o]!;
      }
    }
    data[at] = sum;
  }
  return { height, width, channels: outputs, data };
}

function gather(image: Image, { rows, columns }: Block): Image {
  const [height, width] = [Math.floor(image.height / rows), Math.floor(image.width / columns)];
  const channels = image.channels * rows * columns;
  const data = new Float64Array(height * width * channels);
  for (let at = 0; at < data.length; at++) {
    const channel = at % image.channels;
    const place = Math.floor((at % channels) / image.channels);
    const x = (Math.floor(at / channels) % width) * columns + (place % columns);
    const y = Math.floor(at / channels / width) * rows + Math.floor(place / columns);
    data[at] = image.data[(y * image.width + x) * image.channels + channel]!;
  }
  return { height, width, channels, data };
}

const value = fc.integer({ min: -8, max: 8 });
const cases = fc
  .record({
    block: fc.record({
      rows: fc.integer({ min: 1, max: 3 }),
      columns: fc.integer({ min: 1, max: 3 }),
    }),
    high: fc.integer({ min: 1, max: 3 }),
    wide: fc.integer({ min: 1, max: 3 }),
    inputs: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 3 }),
    blocks: fc.tuple(fc.integer({ min: 3, max: 4 }), fc.integer({ min: 3, max: 4 })),
  })
  .chain((sizes) => {
    const { block, high, wide, inputs, outputs, blocks } = sizes;
    const pixels = blocks[0] * block.rows * blocks[1] * block.columns * inputs;
    const array = (length: number) => fc.array(value, { minLength: length, maxLength: length });
    return fc.record({
      sizes: fc.constant(sizes),
      pixels: array(pixels),
      filter: array(high * wide * inputs * outputs),
      bias: array(outputs),
    });
  });

test('a convolution of gathered pixels gives the gathered answer of the plain one', () => {
  fc.assert(
    fc.property(cases, ({ sizes, pixels, filter, bias }) => {
      const { block, high, wide, inputs, outputs, blocks } = sizes;
      const weights = {
        filter: Float32Array.from(filter),
        filterShape: [high, wide, inputs, outputs],
        bias: Float32Array.from(bias),
      };
      const image: Image = {
        height: blocks[0] * block.rows,
        width: blocks[1] * block.columns,
        channels: inputs,
        data: Float64Array.from(pixels),
      };
      const actual = convolve(gather(image, block), gatherPixels(weights, block));
      const plain = convolve(image, weights);
      // Only whole blocks that see whole blocks have an answer.
      for (let y = 0; y < actual.height; y++) {
        for (let x = 0; x < actual.width; x++) {
          for (let channel = 0; channel < actual.channels; channel++) {
            const o = channel % outputs;
            const place = Math.floor(channel / outputs);
            const down = y * block.rows + Math.floor(place / block.columns);
            const right = x * block.columns + (place % block.columns);
            const expected = plain.data[(down * plain.width + right) * outputs + o];
            assert.equal(actual.data[(y * actual.width + x) * actual.channels + channel], expected);
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});

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
