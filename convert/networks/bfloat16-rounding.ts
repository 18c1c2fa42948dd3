/**
 * How a convolution's weights are rounded to bfloat16 so that its answers stay where they were. A bias
 * is often much larger than what is left after adding it, so that half a step of 8 bits moves the whole
 * channel; and the rounding of a filter moves it by its mean input. Both errors are alike for every
 * photo, and both can be taken away before they happen. Pure; knows no network.
 */

import { bfloat16Bits } from '../write/weights.ts';
import type { ConvolutionWeights } from './fold-batch-norm.ts';

/** What is known of the feature map that a convolution reads, by channel. */
export interface InputChannels {
  /** How many times its values are as large as the network's own. */
  readonly scale: Float64Array;
  /** About what they are on average, in the network's own size: those of a plain image, see `plainAnswer`. */
  readonly mean: Float64Array;
}

export interface RoundedConvolution extends ConvolutionWeights {
  /** The bias before it was rounded, for kernels that add it in float32. */
  readonly exactBias: Float32Array;
  /** How many times each output is as large as the network's own: the next layer divides by it. */
  readonly scale: Float64Array;
}

/** Those that are tried for each output; the error of its bias shrinks by about as many times. */
const FACTORS = Array.from({ length: 16 }, (_, at) => 2 ** (at / 16));

/**
 * A ReLU, a maximum and a join commute with a positive factor, which the next layer can take back. So
 * each output gets the factor, from 1 to 2, for which its bias is nearest to a number of bfloat16; what
 * the rounded filter changes on average ("bias correction": Nagel et al., Data-Free Quantization
 * Through Weight Equalization and Bias Correction, 2019) is put into the bias before.
 * @param given of the outputs, where they are added to others of that scale
 */
export function roundConvolution(
  { filter, filterShape, bias }: ConvolutionWeights,
  { scale, mean }: InputChannels,
  given?: Float64Array,
): RoundedConvolution {
  const outputs = bias.length;
  const inputs = scale.length;
  const length = filter.length / outputs;
  const rounded: RoundedConvolution = {
    filter: new Float32Array(filter.length),
    filterShape,
    bias: new Float32Array(outputs),
    exactBias: new Float32Array(outputs),
    scale: new Float64Array(outputs).fill(1),
  };
  const row = new Float64Array(length);
  const means = new Float64Array(length).map((_, at) => mean[at % inputs]! * scale[at % inputs]!);
  const knowsMean = mean.some((value) => value !== 0);
  for (let o = 0; o < outputs; o++) {
    for (let at = 0; at < length; at++) {
      row[at] = filter[at * outputs + o]! / scale[at % inputs]!;
    }
    let least = Number.POSITIVE_INFINITY;
    for (const factor of given === undefined ? FACTORS : [given[o]!]) {
      const change = knowsMean ? meanChange(row, means, factor) : 0;
      const wanted = bias[o]! * factor + change;
      const nearest = toBfloat16(wanted);
      const error = Math.abs(wanted - nearest) / factor;
      if (error >= least) continue;
      least = error;
      rounded.bias[o] = nearest;
      rounded.exactBias[o] = wanted;
      rounded.scale[o] = factor;
    }
    for (let at = 0; at < length; at++) {
      rounded.filter[at * outputs + o] = toBfloat16(row[at]! * rounded.scale[o]!);
    }
  }
  return rounded;
}

/** What an output lacks on average when its filter, `factor` times as large, is rounded. */
function meanChange(row: Float64Array, means: Float64Array, factor: number): number {
  let sum = 0;
  for (let at = 0; at < row.length; at++) {
    const value = row[at]! * factor;
    sum += (value - toBfloat16(value)) * means[at]!;
  }
  return sum;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest number of bfloat16, ties to even. */
export function toBfloat16(value: number): number {
  float[0] = value;
  bits[0] = bfloat16Bits(bits[0]!) << 16;
  return float[0]!;
}

/**
 * The channels that a convolution makes of an image in which every pixel has the channels `plain`, far from its
 * border. For the mean colour of faces that tells what faces change on average about as well as measured means do.
 */
export function plainAnswer(
  { filter, bias }: ConvolutionWeights,
  plain: Float64Array,
): Float64Array {
  const outputs = bias.length;
  const answer = Float64Array.from(bias);
  for (let at = 0; at < filter.length; at += outputs) {
    const value = plain[(at / outputs) % plain.length]!;
    for (let o = 0; o < outputs; o++) answer[o]! += filter[at + o]! * value;
  }
  return answer;
}
