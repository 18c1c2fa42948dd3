/**
 * Convolutions rearranged to give the same answers in less time: on an image whose pixels are gathered (three
 * channels are too few for a processor’s vectors; twelve are not), and with the pooling of 2 x 2 windows
 * before the PReLU, which is left a quarter of the values. Knows no network.
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

/** The values, repeated. */
export function repeated(values: Float32Array, times: number): Float32Array {
  const all = new Float32Array(values.length * times);
  for (let time = 0; time < times; time++) all.set(values, time * values.length);
  return all;
}

/** A pooling window: its pixels lie together, its largest is found among channels. */
const WINDOW = { rows: 2, columns: 2 } as const;
/** Of each block: whether its second column, and its second row, lie beyond the image. */
const FLAGS = 2;
/** Less than any answer of a network. */
const NEVER = -1e9;

export interface PooledFirst {
  /** On blocks and their flags, [2, 2, 4 · inputs + 2, 4 · lanes]; to be pooled to `lanes`. */
  readonly lanes: ConvolutionWeights;
  /** Both [1, 1, lanes, outputs]: the larger of their answers is PReLU's, but for the signs. */
  readonly either: ConvolutionWeights;
  readonly other: ConvolutionWeights;
  /** [outputs], 1 or −1: what the next layer's inputs are multiplied by. */
  readonly signs: Float32Array;
}

/**
 * PReLU is max(x, a · x) for slopes up to 1, and −max(−x, −a · x) above. From 0 on it rises with x, so
 * that it may follow the maximum of a window; where the slope is negative, the largest a · x of the window
 * is needed too, and gets a lane of its own.
 */
export function poolFirst(weights: ConvolutionWeights, slopes: Float32Array): PooledFirst {
  const outputs = [...slopes.keys()];
  const falling = outputs.filter((output) => slopes[output]! < 0);
  const lanes = picked(weights, [
    ...outputs.map((output) => [output, 1] as const),
    ...falling.map((output) => [output, slopes[output]!] as const),
  ]);
  const count = lanes.bias.length;
  const signs = slopes.map((slope) => (slope > 1 ? -1 : 1));
  const share = (output: number): readonly [lane: number, factor: number] => {
    const own = falling.indexOf(output);
    if (own >= 0) return [slopes.length + own, 1];
    return [output, slopes[output]! * signs[output]!];
  };
  return {
    lanes: withFlags(gatherPixels(lanes, WINDOW), count),
    either: picking(
      count,
      outputs.map((output) => [output, signs[output]!] as const),
    ),
    other: picking(count, outputs.map(share)),
    signs,
  };
}

/** A convolution whose inputs are multiplied by these. */
export function scaleInputs(
  { filter, filterShape, bias }: ConvolutionWeights,
  factors: Float32Array,
): ConvolutionWeights {
  const [, , inputs, outputs] = filterShape as [number, number, number, number];
  const scaled = filter.map((value, at) => value * factors[Math.floor(at / outputs) % inputs]!);
  return { filter: scaled, filterShape, bias };
}

/** Some of a convolution's outputs, each times a factor. */
function picked(
  { filter, filterShape, bias }: ConvolutionWeights,
  wanted: readonly (readonly [output: number, factor: number])[],
): ConvolutionWeights {
  const outputs = bias.length;
  const rows = filter.length / outputs;
  const result = new Float32Array(rows * wanted.length);
  for (let row = 0; row < rows; row++) {
    for (const [at, [output, factor]] of wanted.entries()) {
      result[row * wanted.length + at] = filter[row * outputs + output]! * factor;
    }
  }
  return {
    filter: result,
    filterShape: filterShape.with(-1, wanted.length),
    bias: Float32Array.from(wanted, ([output, factor]) => bias[output]! * factor),
  };
}

/** A convolution of 1 x 1 whose every output is one of the lanes, times a factor. */
function picking(
  lanes: number,
  wanted: readonly (readonly [lane: number, factor: number])[],
): ConvolutionWeights {
  const filter = new Float32Array(lanes * wanted.length);
  for (const [output, [lane, factor]] of wanted.entries()) {
    filter[lane * wanted.length + output] = factor;
  }
  const bias = new Float32Array(wanted.length);
  return { filter, filterShape: [1, 1, lanes, wanted.length], bias };
}

/**
 * Two more channels, the flags: an answer whose pixels lie beyond the image never is the largest. An odd
 * image's last window has but one column, or row, of answers; the block that lacks one is the next one.
 */
function withFlags(
  { filter, filterShape, bias }: ConvolutionWeights,
  lanes: number,
): ConvolutionWeights {
  const [height, width, inputs, outputs] = filterShape as [number, number, number, number];
  const wide = inputs + FLAGS;
  const result = new Float32Array(height * width * wide * outputs);
  for (let cell = 0; cell < height * width; cell++) {
    const block = filter.subarray(cell * inputs * outputs, (cell + 1) * inputs * outputs);
    result.set(block, cell * wide * outputs);
  }
  const places = WINDOW.rows * WINDOW.columns;
  for (let place = 0; place < places; place++) {
    const [row, column] = [Math.floor(place / WINDOW.columns), place % WINDOW.columns];
    const forbid = (cell: number, flag: number): void => {
      const at = (cell * wide + inputs + flag) * outputs + place * lanes;
      result.fill(NEVER, at, at + lanes);
    };
    if (column > 0) forbid(1, 0);
    if (row > 0) forbid(width, 1);
  }
  return { filter: result, filterShape: [height, width, wide, outputs], bias };
}
