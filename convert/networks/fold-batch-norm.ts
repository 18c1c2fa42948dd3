/**
 * The arithmetic that turns PyTorch's parameters into the graph's: other memory orders, and batch norm
 * and scales folded into the layer before them. In double precision, rounded once. Knows no names.
 */

import type { Levels } from './graph.ts';

export type Values = Float32Array | Float64Array;

/** The filter is [height, width, in, out] (HWIO). */
export interface ConvolutionWeights {
  readonly filter: Float32Array;
  readonly filterShape: readonly number[];
  readonly bias: Float32Array;
  /** In float32, where `bias` is rounded. */
  readonly exactBias?: Float32Array;
  readonly levels?: Levels | undefined;
}

/** The matrix is [in, out]. */
export interface DenseWeights {
  readonly matrix: Float32Array;
  readonly matrixShape: readonly number[];
  readonly bias: Float32Array;
  readonly levels?: Levels | undefined;
}

/** y = scale · x + shift for each channel. */
export interface ChannelTransform {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** What a trained batch norm does: (x − mean) / sqrt(variance + epsilon) · weight + bias. */
export interface BatchNorm {
  readonly weight: Values;
  readonly bias: Values;
  readonly mean: Values;
  readonly variance: Values;
}

export function batchNormTransform(norm: BatchNorm, epsilon: number): ChannelTransform {
  const channels = norm.weight.length;
  const scale = new Float64Array(channels);
  const shift = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    scale[c] = norm.weight[c]! / Math.sqrt(norm.variance[c]! + epsilon);
    shift[c] = norm.bias[c]! - norm.mean[c]! * scale[c]!;
  }
  return { scale, shift };
}

/** A bias, the whole result times `factor`: a residual block's scale, or 1. */
export function biasTransform(bias: Values, factor = 1): ChannelTransform {
  return {
    scale: new Float64Array(bias.length).fill(factor),
    shift: Float64Array.from(bias, (value) => value * factor),
  };
}

/** @param filter [height, width, in, out], as TensorFlow keeps a convolution (HWIO) */
export function scaleOutputs(
  filter: Values,
  shape: readonly [number, number, number, number],
  { scale, shift }: ChannelTransform,
): ConvolutionWeights {
  const outputs = shape[3];
  return {
    filter: Float32Array.from(filter, (value, at) => value * scale[at % outputs]!),
    filterShape: shape,
    bias: Float32Array.from(shift),
  };
}

/** @param weight [out, in, height, width], as PyTorch keeps a convolution (OIHW) */
export function foldConvolution(
  weight: Values,
  shape: readonly [number, number, number, number],
  { scale, shift }: ChannelTransform,
): ConvolutionWeights {
  const [outputs, inputs, height, width] = shape;
  const filter = new Float32Array(weight.length);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let cell = 0; cell < height * width; cell++) {
        filter[(cell * inputs + i) * outputs + o] = weight[from++]! * scale[o]!;
      }
    }
  }
  return {
    filter,
    filterShape: [height, width, inputs, outputs],
    bias: Float32Array.from(shift),
  };
}

/** Convolutions of one input and one size as a single one, their outputs one after the other. */
export function joinOutputs(parts: readonly ConvolutionWeights[]): ConvolutionWeights {
  const [height, width, inputs] = parts[0]!.filterShape as [number, number, number];
  const outputs = parts.reduce((sum, { bias }) => sum + bias.length, 0);
  const filter = new Float32Array(height * width * inputs * outputs);
  const bias = new Float32Array(outputs);
  let from = 0;
  for (const part of parts) {
    const own = part.bias.length;
    for (let row = 0; row < height * width * inputs; row++) {
      filter.set(part.filter.subarray(row * own, (row + 1) * own), row * outputs + from);
    }
    bias.set(part.bias, from);
    from += own;
  }
  return { filter, filterShape: [height, width, inputs, outputs], bias };
}

/**
 * @param weight [out, in], as PyTorch keeps a linear layer
 * @param column the column of `weight` that holds what the graph's input `row` is multiplied by
 */
export function foldDense(
  weight: Values,
  [outputs, inputs]: readonly [number, number],
  { scale, shift }: ChannelTransform,
  column: (row: number) => number = (row) => row,
): DenseWeights {
  const matrix = new Float32Array(weight.length);
  for (let row = 0; row < inputs; row++) {
    const from = column(row);
    for (let o = 0; o < outputs; o++) {
      matrix[row * outputs + o] = weight[o * inputs + from]! * scale[o]!;
    }
  }
  return { matrix, matrixShape: [inputs, outputs], bias: Float32Array.from(shift) };
}

/**
 * R-Net and O-Net flatten after permute(0, 3, 2, 1): width, height, channels. The graph flattens
 * height, width, channels.
 * @returns the place of a graph's input row in PyTorch's order
 */
export function widthFirst(height: number, width: number, channels: number) {
  return (row: number): number => {
    const channel = row % channels;
    const cell = (row - channel) / channels;
    const x = cell % width;
    const y = (cell - x) / width;
    return (x * height + y) * channels + channel;
  };
}
