/**
 * The layers that the networks are made of, in NHWC, each added in the order of execution. Knows none of
 * the networks.
 */
import type { ConvolutionWeights, DenseWeights } from './fold-batch-norm.ts';
import { type Attribute, GraphBuilder } from './graph.ts';

export type Padding = 'SAME' | 'VALID';

const int: Attribute = { type: 'int32' };
const channelsLast: Attribute = { text: 'NHWC' };
const spatial = (size: number): Attribute => ({ ints: [1, size, size, 1] });

/** The weight that holds a rounded bias as it was before, for kernels that add it in float32. */
export function exactBiasOf(bias: string): string {
  return `${bias}/exact`;
}

export class NetworkBuilder extends GraphBuilder {
  /** A tensor of one value, which is known only when the network runs. */
  fill(name: string, value: string, shape: readonly number[]): string {
    const dims = this.ints(`${name}/shape`, [shape.length], shape);
    return this.emit(name, 'Fill', [dims, value], { T: this.dtype, index_type: int });
  }

  /** Convolution and bias; their node is named `name`. */
  convolution(
    name: string,
    input: string,
    { filter, filterShape, bias, exactBias, levels }: ConvolutionWeights,
    { stride, padding }: { stride: number; padding: Padding },
  ): string {
    const product = this.emit(
      `${name}/product`,
      'Conv2D',
      [input, this.weight(`${name}/filter`, filterShape, filter, levels)],
      {
        T: this.dtype,
        strides: spatial(stride),
        padding: { text: padding },
        data_format: channelsLast,
        dilations: spatial(1),
      },
    );
    if (exactBias) this.weightBeside(exactBiasOf(`${name}/bias`), exactBias);
    return this.bias(name, product, bias);
  }

  /** A fully connected layer with bias; its node is named `name`. */
  dense(name: string, input: string, { matrix, matrixShape, bias }: DenseWeights): string {
    const product = this.product(
      `${name}/product`,
      input,
      { matrix, matrixShape },
      `${name}/matrix`,
    );
    return this.bias(name, product, bias);
  }

  /** The same without a bias. */
  product(
    name: string,
    input: string,
    { matrix, matrixShape, levels }: Omit<DenseWeights, 'bias'>,
    weight = `${name}/matrix`,
  ): string {
    const inputs = [input, this.weight(weight, matrixShape, matrix, levels)];
    return this.emit(name, 'MatMul', inputs, {
      T: this.dtype,
      transpose_a: { flag: false },
      transpose_b: { flag: false },
    });
  }

  relu(name: string, input: string): string {
    return this.emit(name, 'Relu', [input], { T: this.dtype });
  }

  /** x where it is positive, slope · x elsewhere; one slope a channel. */
  prelu(name: string, input: string, slope: Float32Array): string {
    const weight = this.weight(`${name}/slope`, [slope.length], slope);
    return this.emit(name, 'Prelu', [input, weight], { T: this.dtype });
  }

  maxPool(name: string, input: string, window: number, stride: number, padding: Padding): string {
    return this.emit(name, 'MaxPool', [input], {
      T: this.dtype,
      ksize: spatial(window),
      strides: spatial(stride),
      padding: { text: padding },
      data_format: channelsLast,
    });
  }

  /** Of whole windows only. */
  averagePool(name: string, input: string, window: number, stride: number): string {
    return this.emit(name, 'AvgPool', [input], {
      T: this.dtype,
      ksize: spatial(window),
      strides: spatial(stride),
      padding: { text: 'VALID' },
      data_format: channelsLast,
    });
  }

  /** Zeros below, to the right of, and in channels behind a feature map. */
  pad(
    name: string,
    input: string,
    { lower = 0, right = 0, channels = 0 }: { lower?: number; right?: number; channels?: number },
  ): string {
    const amounts = this.ints(`${name}/amounts`, [4, 2], [0, 0, 0, lower, 0, right, 0, channels]);
    return this.emit(name, 'Pad', [input, amounts], { T: this.dtype, Tpaddings: int });
  }

  /** The upper left `size` x `size` pixels. */
  corner(name: string, input: string, size: number): string {
    const begin = this.ints(`${name}/begin`, [4], [0, 0, 0, 0]);
    const lengths = this.ints(`${name}/size`, [4], [-1, size, size, -1]);
    return this.emit(name, 'Slice', [input, begin, lengths], { T: this.dtype, Index: int });
  }

  /** Joins feature maps along their channels. */
  concat(name: string, inputs: readonly string[]): string {
    return this.emit(name, 'ConcatV2', [...inputs, this.ints('channel_axis', [], [3])], {
      T: this.dtype,
      N: { int: inputs.length },
      Tidx: int,
    });
  }

  add(name: string, left: string, right: string): string {
    return this.emit(name, 'AddV2', [left, right], { T: this.dtype });
  }

  /** The larger of two, value by value. */
  maximum(name: string, left: string, right: string): string {
    return this.emit(name, 'Maximum', [left, right], { T: this.dtype });
  }

  /** The mean of each channel: [n, h, w, c] to [n, c]. */
  globalAverage(name: string, input: string): string {
    return this.emit(name, 'Mean', [input, this.ints('spatial_axes', [2], [1, 2])], {
      T: this.dtype,
      Tidx: int,
      keep_dims: { flag: false },
    });
  }

  /** The same values in another shape, −1 for the length that follows from the others. */
  reshape(name: string, input: string, shape: readonly number[]): string {
    const target = this.ints(`${name}/shape`, [shape.length], shape);
    return this.emit(name, 'Reshape', [input, target], { T: this.dtype, Tshape: int });
  }

  /** The largest along one axis, which goes. */
  largest(name: string, input: string, axis: number): string {
    return this.emit(name, 'Max', [input, this.ints(`${name}/axis`, [1], [axis])], {
      T: this.dtype,
      Tidx: int,
      keep_dims: { flag: false },
    });
  }

  /** Takes the shape of one tensor's first three axes for another's: see P-Net on blocks. */
  reshapeLike(name: string, input: string, like: string, last: number): string {
    const shape = this.emit(`${name}/of`, 'Shape', [like], { T: this.dtype, out_type: int });
    const first = this.emit(
      `${name}/first`,
      'Slice',
      [shape, this.ints(`${name}/begin`, [1], [0]), this.ints(`${name}/size`, [1], [3])],
      { T: int, Index: int },
    );
    const target = this.emit(
      `${name}/shape`,
      'ConcatV2',
      [first, this.ints(`${name}/last`, [1], [last]), this.ints(`${name}/axis`, [], [0])],
      { T: int, N: { int: 2 }, Tidx: int },
    );
    return this.emit(name, 'Reshape', [input, target], { T: this.dtype, Tshape: int });
  }

  /** Over the last axis. */
  softmax(name: string, input: string): string {
    return this.emit(name, 'Softmax', [input], { T: this.dtype });
  }

  /** Rows of length 1: x / max(‖x‖, epsilon), as in torch.nn.functional.normalize. */
  normalize(name: string, input: string, epsilon: number): string {
    const square = this.emit(`${name}/square`, 'Square', [input], { T: this.dtype });
    const sum = this.emit(`${name}/sum`, 'Sum', [square, this.ints('feature_axis', [1], [1])], {
      T: this.dtype,
      Tidx: int,
      keep_dims: { flag: true },
    });
    const length = this.emit(`${name}/length`, 'Sqrt', [sum], { T: this.dtype });
    const least = this.constant('epsilon', [], Float32Array.of(epsilon));
    const divisor = this.emit(`${name}/divisor`, 'Maximum', [length, least], { T: this.dtype });
    return this.emit(name, 'RealDiv', [input, divisor], { T: this.dtype });
  }

  private bias(name: string, product: string, bias: Float32Array): string {
    const weight = this.weight(`${name}/bias`, [bias.length], bias);
    return this.emit(name, 'BiasAdd', [product, weight], {
      T: this.dtype,
      data_format: channelsLast,
    });
  }
}
