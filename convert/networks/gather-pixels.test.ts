import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConvolutionWeights } from './fold-batch-norm.ts';
import { type Block, gatherPixels } from './gather-pixels.ts';

type Image = { height: number; width: number; channels: number; data: Float64Array };

/** Stride 1, no padding, as the definition has it. */
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
