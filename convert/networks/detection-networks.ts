/**
 * The three networks of MTCNN as facenet-pytorch defines them (models/mtcnn.py): P-Net proposes boxes,
 * R-Net refines them, O-Net adds landmarks. Knows only their layers, not how they are chained.
 */

import type { StateDict } from '../checkpoint/tensor.ts';
import {
  biasTransform,
  type ConvolutionWeights,
  foldConvolution,
  foldDense,
  joinOutputs,
  widthFirst,
} from './fold-batch-norm.ts';
import type { GraphTensor, Network } from './graph.ts';
import { NetworkBuilder, type Padding } from './network-builder.ts';
import { Parameters } from './parameters.ts';
import {
  type Block,
  gatherPixels,
  poolFirst,
  repeated,
  scaleInputs,
} from './rearranged-convolutions.ts';

/** [out, in, height, width] */
type ConvolutionShape = readonly [number, number, number, number];

const NOTHING = /^(?!)/;
const UNPADDED = { stride: 1, padding: 'VALID' } as const;

export function buildProposalNetwork(file: string, state: StateDict): Network {
  const layers = new Layers('pnet', file, state);
  const image = layers.builder.input('image', [-1, -1, -1, 3]);
  let x = layers.convolution('conv1', image, [10, 3, 3, 3]);
  x = layers.prelu('prelu1', x, 10);
  x = layers.pool('pool1', x, 2);
  x = layers.convolution('conv2', x, [16, 10, 3, 3]);
  x = layers.prelu('prelu2', x, 16);
  x = layers.convolution('conv3', x, [32, 16, 3, 3]);
  x = layers.prelu('prelu3', x, 32);
  layers.builder.softmax('probability', layers.convolution('conv4_1', x, [2, 32, 1, 1]));
  layers.convolution('conv4_2', x, [4, 32, 1, 1], 'regression');
  return layers.finish([
    { name: 'probability', shape: [-1, -1, -1, 2] },
    { name: 'regression', shape: [-1, -1, -1, 4] },
  ]);
}

/** Two neighbours in a row lie together in memory anyway: gathering them moves nothing. */
const PAIR: Block = { rows: 1, columns: 2 };

/**
 * P-Net once more, for TensorFlow: on blocks of 2 x 2 pixels, whose channels are [row, column, colour] and
 * two flags, 1 where the block's second column and where its second row lie beyond the image. It takes
 * half the time or less. The answers at a cell are [not a face, face] before the softmax, then the four
 * offsets.
 */
export function buildBlockProposalNetwork(file: string, state: StateDict): Network {
  const layers = new Layers('pnet_blocks', file, state);
  const { builder } = layers;
  const blocks = builder.input('blocks', [-1, -1, -1, 14]);
  let x = layers.pooledFirst(blocks, ['conv1', [10, 3, 3, 3]], 'prelu1', ['conv2', [16, 10, 3, 3]]);
  x = layers.prelu('prelu2', x, 16);
  x = layers.convolution('conv3', x, [32, 16, 3, 3]);
  x = layers.prelu('prelu3', x, 32);
  layers.joinedConvolution('cells', x, ['conv4_1', 'conv4_2'], [2, 4], 32);
  return layers.finish([{ name: 'cells', shape: [-1, -1, -1, 6] }]);
}

export function buildRefinementNetwork(file: string, state: StateDict): Network {
  const layers = new Layers('rnet', file, state);
  const crops = layers.builder.input('crops', [-1, 24, 24, 3]);
  let x = layers.builder.reshape('pairs', crops, [-1, 24, 12, 6]);
  x = layers.gatheredConvolution('conv1', x, [28, 3, 3, 3], PAIR);
  x = layers.prelu('prelu1', x, 28, 2);
  x = layers.builder.reshape('single1', x, [-1, 22, 22, 28]);
  x = layers.pool('pool1', x, 3, 22);
  x = layers.convolution('conv2', x, [48, 28, 3, 3]);
  x = layers.prelu('prelu2', x, 48);
  x = layers.pool('pool2', x, 3, 9);
  x = layers.convolution('conv3', x, [64, 48, 2, 2]);
  x = layers.prelu('prelu3', x, 64);
  x = layers.builder.reshape('flat', x, [-1, 576]);
  x = layers.dense('dense4', x, [128, 576], { column: widthFirst(3, 3, 64) });
  x = layers.prelu('prelu4', x, 128);
  layers.builder.softmax('probability', layers.dense('dense5_1', x, [2, 128]));
  layers.dense('dense5_2', x, [4, 128], { as: 'regression' });
  return layers.finish([
    { name: 'probability', shape: [-1, 2] },
    { name: 'regression', shape: [-1, 4] },
  ]);
}

export function buildOutputNetwork(file: string, state: StateDict): Network {
  const layers = new Layers('onet', file, state);
  const crops = layers.builder.input('crops', [-1, 48, 48, 3]);
  let x = layers.builder.reshape('pairs', crops, [-1, 48, 24, 6]);
  x = layers.gatheredConvolution('conv1', x, [32, 3, 3, 3], PAIR);
  x = layers.prelu('prelu1', x, 32, 2);
  x = layers.builder.reshape('single1', x, [-1, 46, 46, 32]);
  x = layers.pool('pool1', x, 3, 46);
  x = layers.convolution('conv2', x, [64, 32, 3, 3]);
  x = layers.prelu('prelu2', x, 64);
  x = layers.pool('pool2', x, 3, 21);
  x = layers.convolution('conv3', x, [64, 64, 3, 3]);
  x = layers.prelu('prelu3', x, 64);
  x = layers.pool('pool3', x, 2, 8);
  x = layers.convolution('conv4', x, [128, 64, 2, 2]);
  x = layers.prelu('prelu4', x, 128);
  x = layers.builder.reshape('flat', x, [-1, 1152]);
  x = layers.dense('dense5', x, [256, 1152], { column: widthFirst(3, 3, 128) });
  x = layers.prelu('prelu5', x, 256);
  layers.builder.softmax('probability', layers.dense('dense6_1', x, [2, 256]));
  layers.dense('dense6_2', x, [4, 256], { as: 'regression' });
  layers.dense('dense6_3', x, [10, 256], { as: 'landmarks' });
  return layers.finish([
    { name: 'probability', shape: [-1, 2] },
    { name: 'regression', shape: [-1, 4] },
    { name: 'landmarks', shape: [-1, 10] },
  ]);
}

/** The kinds of layers these networks have, each named as in the state dict. */
class Layers {
  readonly builder: NetworkBuilder;
  readonly #parameters: Parameters;

  constructor(name: string, file: string, state: StateDict) {
    this.builder = new NetworkBuilder(name);
    this.#parameters = new Parameters(file, state);
  }

  convolution(name: string, input: string, shape: ConvolutionShape, as: string = name): string {
    return this.builder.convolution(as, input, this.#folded(name, shape), UNPADDED);
  }

  /** The same on gathered pixels; its answer is gathered in the same blocks. */
  gatheredConvolution(name: string, input: string, shape: ConvolutionShape, block: Block): string {
    const weights = gatherPixels(this.#folded(name, shape), block);
    return this.builder.convolution(name, input, weights, UNPADDED);
  }

  /** On blocks of 2 x 2 pixels: a convolution, PReLU, the pooling of each block, and the next convolution. */
  pooledFirst(
    blocks: string,
    [first, shape]: readonly [string, ConvolutionShape],
    prelu: string,
    [next, nextShape]: readonly [string, ConvolutionShape],
  ): string {
    const slopes = Float32Array.from(this.#parameters.take(`${prelu}.weight`, [shape[0]]));
    const parts = poolFirst(this.#folded(first, shape), slopes);
    const { builder } = this;
    const lanes = parts.either.filterShape[2]!;
    const all = builder.convolution(first, blocks, parts.lanes, UNPADDED);
    const places = builder.reshape('places', all, [-1, 4, lanes]);
    const pooled = builder.reshapeLike('pool1', builder.largest('largest', places, 1), all, lanes);
    const x = builder.maximum(
      prelu,
      builder.convolution(`${prelu}/either`, pooled, parts.either, UNPADDED),
      builder.convolution(`${prelu}/other`, pooled, parts.other, UNPADDED),
    );
    const weights = scaleInputs(this.#folded(next, nextShape), parts.signs);
    return builder.convolution(next, x, weights, UNPADDED);
  }

  /** Several 1 x 1 convolutions of one input as one, their channels side by side. */
  joinedConvolution(
    as: string,
    input: string,
    names: readonly string[],
    outputs: readonly number[],
    inputs: number,
  ): string {
    const parts = names.map((name, part) => this.#folded(name, [outputs[part]!, inputs, 1, 1]));
    return this.builder.convolution(as, input, joinOutputs(parts), UNPADDED);
  }

  #folded(name: string, shape: ConvolutionShape): ConvolutionWeights {
    const weight = this.#parameters.take(`${name}.weight`, shape);
    const bias = this.#parameters.take(`${name}.bias`, [shape[0]]);
    return foldConvolution(weight, shape, biasTransform(bias));
  }

  dense(
    name: string,
    input: string,
    shape: readonly [number, number],
    { as = name, column }: { as?: string; column?: (row: number) => number } = {},
  ): string {
    const weight = this.#parameters.take(`${name}.weight`, shape);
    const bias = this.#parameters.take(`${name}.bias`, [shape[0]]);
    return this.builder.dense(as, input, foldDense(weight, shape, biasTransform(bias), column));
  }

  /** @param places how many pixels are gathered in one */
  prelu(name: string, input: string, channels: number, places = 1): string {
    const slope = Float32Array.from(this.#parameters.take(`${name}.weight`, [channels]));
    return this.builder.prelu(name, input, repeated(slope, places));
  }

  /**
   * A pooling with stride 2 and ceil_mode, which counts a last window that hangs over the edge.
   * TensorFlow's SAME is the same where exactly that happens; where the windows fit, VALID is.
   * @param size side of the input; undefined where it is free, as only a window of 2 allows
   */
  pool(name: string, input: string, window: 2 | 3, size?: number): string {
    const padding: Padding = size !== undefined && (size - window) % 2 === 0 ? 'VALID' : 'SAME';
    return this.builder.maxPool(name, input, window, 2, padding);
  }

  finish(outputs: readonly GraphTensor[]): Network {
    this.#parameters.finish(NOTHING);
    return this.builder.finish(outputs);
  }
}
