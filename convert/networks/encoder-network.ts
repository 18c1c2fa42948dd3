/**
 * InceptionResnetV1 as facenet-pytorch defines it (models/inception_resnet_v1.py), from faces to
 * embeddings of length 1. Knows its layers only; the classifier and dropout play no part in that.
 */
import type { Precision } from '../../model/format.ts';
import type { StateDict } from '../checkpoint/tensor.ts';
import { encoders } from '../encoders.ts';
import { type InputChannels, plainAnswer, roundConvolution } from './bfloat16-rounding.ts';
import {
  type Branches,
  block8,
  block17,
  block35,
  type Convolution,
  mixed6a,
  mixed7a,
} from './encoder-blocks.ts';
import {
  type BatchNorm,
  batchNormTransform,
  biasTransform,
  type ConvolutionWeights,
  foldConvolution,
  foldDense,
} from './fold-batch-norm.ts';
import type { Network } from './graph.ts';
import { NetworkBuilder } from './network-builder.ts';
import { Parameters } from './parameters.ts';

const { embeddingLength: EMBEDDING_LENGTH, faceSize: FACE_SIZE } = encoders.facenet;
const BATCH_NORM_EPSILON = 1e-3;
/** That of torch.nn.functional.normalize. */
const LENGTH_EPSILON = 1e-12;
/** The published file has the classifier; every batch norm counts the batches it was trained on. */
const UNUSED = /^logits\.|\.num_batches_tracked$/;

/**
 * Of a face's 240, all that any stride of the stem arrives at: 237, 118, 116, 57, 55, 27. With one pixel more
 * each layer would make a row and a column that the next but one leaves out.
 */
const SEEN_PIXELS = 237;

/** Mean colour of the cut faces of 400 people, (x − 127.5) / 128. */
const FACE_COLOUR = Float64Array.of(160, 122, 103).map((x) => (x - 127.5) / 128);

interface FeatureMap extends InputChannels {
  readonly node: string;
  readonly channels: number;
}

/**
 * @param precision of the convolutions. In bfloat16 the first two, the last layer and the output stay float32: that
 * costs next to no time, and rounding them would double the error.
 * @throws {CheckpointError} when the state dict is not of this network
 */
export function buildEncoder(
  file: string,
  state: StateDict,
  precision: Precision = 'float32',
): Network {
  return new EncoderLayers(new Parameters(file, state), precision).build();
}

class EncoderLayers {
  readonly #builder = new NetworkBuilder('encoder');
  readonly #parameters: Parameters;
  readonly #precision: Precision;

  constructor(parameters: Parameters, precision: Precision) {
    this.#parameters = parameters;
    this.#precision = precision;
  }

  build(): Network {
    const builder = this.#builder;
    const faces = builder.input('faces', [-1, FACE_SIZE, FACE_SIZE, 3]);
    let x: FeatureMap = {
      node: builder.corner('seen', faces, SEEN_PIXELS),
      channels: 3,
      scale: ones(3),
      mean: FACE_COLOUR,
    };
    x = this.#convolution(x, { name: 'conv2d_1a', outputs: 32, kernel: 3, stride: 2 });
    x = this.#convolution(x, { name: 'conv2d_2a', outputs: 32, kernel: 3, shrink: true });
    x = { ...x, node: builder.cast('cast', x.node, this.#precision) };
    x = this.#convolution(x, { name: 'conv2d_2b', outputs: 64, kernel: 3 });
    x = this.#maximum(x, 'maxpool_3a');
    x = this.#convolution(x, { name: 'conv2d_3b', outputs: 80, kernel: 1 });
    x = this.#convolution(x, { name: 'conv2d_4a', outputs: 192, kernel: 3, shrink: true });
    x = this.#convolution(x, { name: 'conv2d_4b', outputs: 256, kernel: 3, stride: 2 });
    for (let i = 0; i < 5; i++) x = this.#residual(x, `repeat_1.${i}`, block35, 0.17);
    x = this.#reduction(x, 'mixed_6a', mixed6a, 'branch2');
    for (let i = 0; i < 10; i++) x = this.#residual(x, `repeat_2.${i}`, block17, 0.1);
    x = this.#reduction(x, 'mixed_7a', mixed7a, 'branch3');
    for (let i = 0; i < 5; i++) x = this.#residual(x, `repeat_3.${i}`, block8, 0.2);
    x = this.#residual(x, 'block8', block8, 1, { relu: false });
    const features = builder.cast('features', x.node, 'float32');
    const average = builder.globalAverage('avgpool_1a', features);
    const embedding = this.#lastLayer(average, x);
    builder.normalize('embedding', embedding, LENGTH_EPSILON);
    this.#parameters.finish(UNUSED);
    return builder.finish([{ name: 'embedding', shape: [-1, EMBEDDING_LENGTH] }]);
  }

  /** Convolution, batch norm, ReLU. */
  #convolution(
    x: FeatureMap,
    { name, outputs, kernel, stride = 1, shrink = false }: Convolution,
  ): FeatureMap {
    const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const shape = [outputs, x.channels, height, width] as const;
    const weight = this.#parameters.take(`${name}.conv.weight`, shape);
    const norm = this.#batchNorm(`${name}.bn`, outputs);
    const transform = batchNormTransform(norm, BATCH_NORM_EPSILON);
    const exact = foldConvolution(weight, shape, transform);
    const folded = this.#rounded(exact, x);
    const path = name.replaceAll('.', '/');
    const padding = stride === 1 && !shrink ? 'SAME' : 'VALID';
    const sum = this.#builder.convolution(path, x.node, folded, { stride, padding });
    return {
      node: this.#builder.relu(`${path}/relu`, sum),
      channels: outputs,
      scale: folded.scale,
      mean: this.#answer(exact, x).map(positive),
    };
  }

  /** The weights as they will be stored; told apart from the network's own by a scale. */
  #rounded(
    weights: ConvolutionWeights,
    x: FeatureMap,
    given?: Float64Array,
  ): ConvolutionWeights & { readonly scale: Float64Array } {
    if (this.#builder.type === 'float32') {
      return { ...weights, scale: ones(weights.bias.length) };
    }
    return roundConvolution(weights, x, given);
  }

  /** To a plain image; only the rounding needs it. */
  #answer(exact: ConvolutionWeights, x: FeatureMap): Float64Array {
    const isRounded = this.#precision === 'bfloat16';
    return isRounded ? plainAnswer(exact, x.mean) : new Float64Array(exact.bias.length);
  }

  #maximum(x: FeatureMap, name: string): FeatureMap {
    const path = name.replaceAll('.', '/');
    return { ...x, node: this.#builder.maxPool(path, x.node, 3, 2, 'VALID') };
  }

  #branches(x: FeatureMap, block: string, branches: Branches): FeatureMap[] {
    return branches.map((branch) =>
      branch.reduce(
        (map, layer) => this.#convolution(map, { ...layer, name: `${block}.${layer.name}` }),
        x,
      ),
    );
  }

  #join(name: string, maps: readonly FeatureMap[]): FeatureMap {
    return {
      node: this.#builder.concat(
        name,
        maps.map(({ node }) => node),
      ),
      channels: maps.reduce((sum, { channels }) => sum + channels, 0),
      scale: joined(maps.map((map) => map.scale)),
      mean: joined(maps.map((map) => map.mean)),
    };
  }

  #reduction(x: FeatureMap, name: string, branches: Branches, pool: string): FeatureMap {
    const maps = this.#branches(x, name, branches);
    return this.#join(`${name}/join`, [...maps, this.#maximum(x, `${name}.${pool}`)]);
  }

  /** x + scale · conv2d(branches), the scale being folded into conv2d. */
  #residual(
    x: FeatureMap,
    name: string,
    branches: Branches,
    scale: number,
    { relu = true } = {},
  ): FeatureMap {
    const path = name.replaceAll('.', '/');
    const joined = this.#join(`${path}/join`, this.#branches(x, name, branches));
    const shape = [x.channels, joined.channels, 1, 1] as const;
    const weight = this.#parameters.take(`${name}.conv2d.weight`, shape);
    const bias = this.#parameters.take(`${name}.conv2d.bias`, [x.channels]);
    const exact = foldConvolution(weight, shape, biasTransform(bias, scale));
    const update = this.#builder.convolution(
      `${path}/conv2d`,
      joined.node,
      this.#rounded(exact, joined, x.scale),
      { stride: 1, padding: 'SAME' },
    );
    const sum = this.#builder.add(`${path}/sum`, update, x.node);
    const mean = this.#answer(exact, joined).map((value, at) => value + x.mean[at]!);
    return {
      node: relu ? this.#builder.relu(`${path}/relu`, sum) : sum,
      channels: x.channels,
      scale: x.scale,
      mean: relu ? mean.map(positive) : mean,
    };
  }

  #lastLayer(input: string, features: FeatureMap): string {
    const { scale } = features;
    const shape = [EMBEDDING_LENGTH, features.channels] as const;
    const weight = this.#parameters.take('last_linear.weight', shape);
    const norm = this.#batchNorm('last_bn', EMBEDDING_LENGTH);
    const layer = foldDense(weight, shape, batchNormTransform(norm, BATCH_NORM_EPSILON));
    const matrix = layer.matrix.map(
      (value, at) => value / scale[Math.floor(at / EMBEDDING_LENGTH)]!,
    );
    return this.#builder.dense('last_linear', input, { ...layer, matrix });
  }

  #batchNorm(name: string, channels: number): BatchNorm {
    const take = (parameter: string) => this.#parameters.take(`${name}.${parameter}`, [channels]);
    return {
      weight: take('weight'),
      bias: take('bias'),
      mean: take('running_mean'),
      variance: take('running_var'),
    };
  }
}

function ones(channels: number): Float64Array {
  return new Float64Array(channels).fill(1);
}

function positive(value: number): number {
  return Math.max(value, 0);
}

function joined(parts: readonly Float64Array[]): Float64Array {
  return Float64Array.from(parts.flatMap((part) => [...part]));
}
