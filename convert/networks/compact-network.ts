/**
 * dlib's face_recognition_resnet_model_v1 as @vladmandic/face-api publishes its weights
 * (src/faceRecognitionNet), from faces to embeddings. Knows its layers only.
 */
import { encoders } from '../encoders.ts';
import { CheckpointError } from '../errors.ts';
import type { TfjsWeights } from '../write/tfjs-weights.ts';
import { type ChannelTransform, type ConvolutionWeights, scaleOutputs } from './fold-batch-norm.ts';
import type { Network } from './graph.ts';
import { NetworkBuilder } from './network-builder.ts';
import { Parameters } from './parameters.ts';

/** What it was trained on subtracts this from red, green and blue of 0 to 255, and face-api divides by 255. */
const MEAN_COLOUR = [122.782, 117.001, 104.298];
const COLOUR_RANGE = 255;
/** The graph's input is (x − 127.5) / 128. */
const INPUT = { centre: 127.5, range: 128 };

interface FeatureMap {
  readonly node: string;
  readonly channels: number;
  /** Of its square, px. */
  readonly side: number;
}

/** A first block that halves the size, and how many follow it. */
const STAGES = [
  { channels: 64, blocks: 3 },
  { channels: 128, blocks: 2 },
  { channels: 256, blocks: 2 },
] as const;

/**
 * @param file of the weights, for messages
 * @throws {CheckpointError} when the weights are not of this network
 */
export function buildCompactEncoder(file: string, weights: TfjsWeights): Network {
  return new CompactLayers(file, weights).build();
}

class CompactLayers {
  readonly #builder = new NetworkBuilder('encoder');
  readonly #file: string;
  readonly #weights: TfjsWeights;
  readonly #parameters: Parameters;

  constructor(file: string, weights: TfjsWeights) {
    this.#file = file;
    this.#weights = weights;
    this.#parameters = new Parameters(file, weights);
  }

  build(): Network {
    const { faceSize, embeddingLength } = encoders.compact;
    const builder = this.#builder;
    const faces = builder.input('faces', [-1, faceSize, faceSize, 3]);
    let x = this.#first({ node: faces, channels: 3, side: faceSize });
    x = { ...x, node: builder.maxPool('pool', x.node, 3, 2, 'VALID'), side: halved(x.side, 3) };
    for (let i = 1; i <= 3; i++) x = this.#residual(x, `conv32_${i}`);
    for (const { channels, blocks } of STAGES) {
      x = this.#down(x, `conv${channels}_down`, channels);
      for (let i = 1; i <= blocks; i++) x = this.#residual(x, `conv${channels}_${i}`);
    }
    x = this.#down(x, 'conv256_down_out', 256);
    const average = builder.globalAverage('average', x.node);
    const shape = [x.channels, embeddingLength] as const;
    builder.product('embedding', average, {
      matrix: Float32Array.from(this.#parameters.take('fc', shape)),
      matrixShape: shape,
      levels: levelsOf(this.#weights, 'fc', new Float32Array(embeddingLength).fill(1)),
    });
    this.#parameters.finish(/^$/);
    return builder.finish([{ name: 'embedding', shape: [-1, embeddingLength] }]);
  }

  /** On the graph's input: without a border, a shift of the colours is one of the bias. */
  #first(x: FeatureMap): FeatureMap {
    const shape = [7, 7, 3, 32] as const;
    const filter = this.#parameters.take('conv32_down/conv/filters', shape);
    const { scale, shift } = this.#transform('conv32_down', 32);
    const offset = new Float64Array(32);
    for (const [at, value] of filter.entries()) {
      const [output, colour] = [at % 32, Math.floor(at / 32) % 3];
      offset[output]! += (value * (INPUT.centre - MEAN_COLOUR[colour]!)) / COLOUR_RANGE;
    }
    const weights = this.#scaled('conv32_down', shape, {
      scale: scale.map((one) => (one * INPUT.range) / COLOUR_RANGE),
      shift: shift.map((one, output) => one + scale[output]! * offset[output]!),
    });
    const sum = this.#builder.convolution('conv32_down', x.node, weights, {
      stride: 2,
      padding: 'VALID',
    });
    const node = this.#builder.relu('conv32_down/relu', sum);
    return { node, channels: 32, side: halved(x.side, 7) };
  }

  /** relu(x + conv2(relu(conv1(x)))) */
  #residual(x: FeatureMap, name: string): FeatureMap {
    const update = this.#two(x, name, x.channels, 1);
    const sum = this.#builder.add(`${name}/sum`, update.node, x.node);
    return { ...x, node: this.#builder.relu(`${name}/relu`, sum) };
  }

  /** The same at half the size; the shortcut is an average, with zeros for channels that x lacks. */
  #down(x: FeatureMap, name: string, channels: number): FeatureMap {
    const builder = this.#builder;
    const update = this.#two(x, name, channels, 2);
    const average = builder.averagePool(`${name}/average`, x.node, 2, 2);
    const side = Math.floor(x.side / 2);
    const more = channels - x.channels;
    const shortcut =
      more === 0 ? average : builder.pad(`${name}/channels`, average, { channels: more });
    const border = side - update.side;
    const filled =
      border === 0
        ? update.node
        : builder.pad(`${name}/border`, update.node, { lower: border, right: border });
    const sum = builder.add(`${name}/sum`, filled, shortcut);
    return { node: builder.relu(`${name}/relu`, sum), channels, side };
  }

  /** The two convolutions of a block, 3x3 each, with a ReLU between them. */
  #two(x: FeatureMap, name: string, channels: number, stride: 1 | 2): FeatureMap {
    const first = this.#convolution(x, `${name}/conv1`, channels, stride);
    const relu = this.#builder.relu(`${name}/conv1/relu`, first.node);
    return this.#convolution({ ...first, node: relu }, `${name}/conv2`, channels, 1);
  }

  #convolution(x: FeatureMap, name: string, channels: number, stride: 1 | 2): FeatureMap {
    const shape = [3, 3, x.channels, channels] as const;
    const weights = this.#scaled(name, shape, this.#transform(name, channels));
    const padding = stride === 1 ? 'SAME' : 'VALID';
    const node = this.#builder.convolution(name, x.node, weights, { stride, padding });
    return { node, channels, side: stride === 1 ? x.side : halved(x.side, 3) };
  }

  #scaled(
    name: string,
    shape: readonly [number, number, number, number],
    transform: ChannelTransform,
  ): ConvolutionWeights {
    const parameter = `${name}/conv/filters`;
    const weights = scaleOutputs(this.#parameters.take(parameter, shape), shape, transform);
    const factors = Float32Array.from(transform.scale);
    return { ...weights, levels: levelsOf(this.#weights, parameter, factors) };
  }

  /** (x + bias) · weights + biases, of each channel. */
  #transform(name: string, channels: number): ChannelTransform {
    const take = (parameter: string) => this.#parameters.take(`${name}/${parameter}`, [channels]);
    const [bias, weights, biases] = [
      take('conv/bias'),
      take('scale/weights'),
      take('scale/biases'),
    ];
    if (!weights.every((weight) => weight > 0)) {
      throw new CheckpointError(
        `${this.#file} has a value in ${name}/scale/weights that is not above 0, as all of the published ones are.`,
      );
    }
    const scale = Float64Array.from(weights);
    return { scale, shift: scale.map((one, at) => bias[at]! * one + biases[at]!) };
  }
}

function levelsOf(weights: TfjsWeights, name: string, factors: Float32Array) {
  const levels = weights.get(name)?.levels;
  return levels && { ...levels, factors };
}

/** What a window without a border leaves of a side with stride 2. */
function halved(side: number, window: number): number {
  return Math.floor((side - window) / 2) + 1;
}
