/**
 * The same convolution on an image whose pixels are gathered: a block of rows x columns pixels becomes
 * one pixel with all their channels. Three channels are too few for a processor's vectors; twelve are
 * not. Knows no network.
 */
import type { ConvolutionWeights } from './fold-batch-norm.ts';

export interface Block {
  readonly rows: number;
  readonly columns: number;
}

/**
 * For stride 1 without padding. Channels of the gathered image, and of the answer, are
 * [row of the block, column of the block, channel].
 * @param weights a filter [height, width, in, out]
 * @returns a filter [height', width', rows · columns · in, rows · columns · out], 0 where a pixel of the
 *   block plays no part, and the bias once for each place in the block
 */
export function gatherPixels(weights: ConvolutionWeights, block: Block): ConvolutionWeights {
  const [height, width, inputs, outputs] = weights.filterShape as [number, number, number, number];
  const { rows, columns } = block;
  const places = rows * columns;
  const reach = (size: number, step: number) => Math.floor((size + step - 2) / step) + 1;
  const filterShape = [
    reach(height, rows),
    reach(width, columns),
    places * inputs,
    places * outputs,
  ] as const;
  const [, wide, deep, broad] = filterShape;
  const filter = new Float32Array(filterShape.reduce((product, side) => product * side, 1));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const [down, right] = [row + y, column + x];
          const cell = Math.floor(down / rows) * wide + Math.floor(right / columns);
          const from = ((down % rows) * columns + (right % columns)) * inputs;
          for (let i = 0; i < inputs; i++) {
            const source = ((y * width + x) * inputs + i) * outputs;
            const target = (cell * deep + from + i) * broad + (row * columns + column) * outputs;
            filter.set(weights.filter.subarray(source, source + outputs), target);
          }
        }
      }
    }
  }
  return { filter, filterShape, bias: repeated(weights.bias, places) };
}

/** The values, so many times over. */
export function repeated(values: Float32Array, times: number): Float32Array {
  const all = new Float32Array(values.length * times);
  for (let time = 0; time < times; time++) all.set(values, time * values.length);
  return all;
}
