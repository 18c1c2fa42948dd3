/**
 * Puts a network together layer by layer, in NHWC and in the order of execution. Knows the layers that
 * these networks are made of, not the networks.
 */
import type { ConvolutionWeights, DenseWeights } from './fold-batch-norm.ts';
import type {
  Attribute,
  Constant,
  GraphNode,
  GraphTensor,
  Levels,
  Network,
  Weight,
} from './graph.ts';

export type Padding = 'SAME' | 'VALID';

const int: Attribute = { type: 'int32' };
const channelsLast: Attribute = { text: 'NHWC' };
const spatial = (size: number): Attribute => ({ ints: [1, size, size, 1] });

export class NetworkBuilder {
  readonly #name: string;
  /** Of the layers that are added next. */
  #type: Weight['type'] = 'float32';
  readonly #nodes: GraphNode[] = [];
  readonly #weights: Weight[] = [];
  readonly #constants = new Map<string, Constant>();
  #input: GraphTensor | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** @param shape with −1 where a length is free */
  input(name: string, shape: readonly number[]): string {
    const node = this.#add(name, 'Placeholder', [], { dtype: this.#float, shape: { shape } });
    this.#input = { name: node, shape };
    return node;
  }

  /** What follows computes in `type`; its input too. @returns the input in that type */
  cast(name: string, input: string, type: Weight['type']): string {
    if (type === this.#type) return input;
    const from = this.#float;
    this.#type = type;
    return this.#add(name, 'Cast', [input], {
      SrcT: from,
      DstT: this.#float,
      Truncate: { flag: false },
    });
  }

  /** A tensor of one value, which is known only when the network runs. */
  fill(name: string, value: string, shape: readonly number[]): string {
    const dims = this.#ints(`${name}/shape`, [shape.length], shape);
    return this.#add(name, 'Fill', [dims, value], { T: this.#float, index_type: int });
  }

  /** Convolution and bias; their node is named `name`. */
  convolution(
    name: string,
    input: string,
    { filter, filterShape, bias, levels }: ConvolutionWeights,
    { stride, padding }: { stride: number; padding: Padding },
  ): string {
    const product = this.#add(
      `${name}/product`,
      'Conv2D',
      [input, this.#weight(`${name}/filter`, filterShape, filter, levels)],
      {
        T: this.#float,
        strides: spatial(stride),
        padding: { text: padding },
        data_format: channelsLast,
        dilations: spatial(1),
      },
    );
    return this.#bias(name, product, bias);
  }

  /** A fully connected layer with bias; its node is named `name`. */
  dense(name: string, input: string, { matrix, matrixShape, bias }: DenseWeights): string {
    const product = this.product(
      `${name}/product`,
      input,
      { matrix, matrixShape },
      `${name}/matrix`,
    );
    return this.#bias(name, product, bias);
  }

  /** The same without a bias. */
  product(
    name: string,
    input: string,
    { matrix, matrixShape, levels }: Omit<DenseWeights, 'bias'>,
    weight = `${name}/matrix`,
  ): string {
    const inputs = [input, this.#weight(weight, matrixShape, matrix, levels)];
    return this.#add(name, 'MatMul', inputs, {
      T: this.#float,
      transpose_a: { flag: false },
      transpose_b: { flag: false },
    });
  }

  relu(name: string, input: string): string {
    return this.#add(name, 'Relu', [input], { T: this.#float });
  }

  /** x where it is positive, slope · x elsewhere; one slope a channel. */
  prelu(name: string, input: string, slope: Float32Array): string {
    const weight = this.#weight(`${name}/slope`, [slope.length], slope);
    return this.#add(name, 'Prelu', [input, weight], { T: this.#float });
  }

  maxPool(name: string, input: string, window: number, stride: number, padding: Padding): string {
    return this.#add(name, 'MaxPool', [input], {
      T: this.#float,
      ksize: spatial(window),
      strides: spatial(stride),
      padding: { text: padding },
      data_format: channelsLast,
    });
  }

  /** Of whole windows only. */
  averagePool(name: string, input: string, window: number, stride: number): string {
    return this.#add(name, 'AvgPool', [input], {
      T: this.#float,
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
    const amounts = this.#ints(`${name}/amounts`, [4, 2], [0, 0, 0, lower, 0, right, 0, channels]);
    return this.#add(name, 'Pad', [input, amounts], { T: this.#float, Tpaddings: int });
  }

  /** The upper left `size` x `size` pixels. */
  corner(name: string, input: string, size: number): string {
    const begin = this.#ints(`${name}/begin`, [4], [0, 0, 0, 0]);
    const lengths = this.#ints(`${name}/size`, [4], [-1, size, size, -1]);
    return this.#add(name, 'Slice', [input, begin, lengths], { T: this.#float, Index: int });
  }

  /** Joins feature maps along their channels. */
  concat(name: string, inputs: readonly string[]): string {
    return this.#add(name, 'ConcatV2', [...inputs, this.#ints('channel_axis', [], [3])], {
      T: this.#float,
      N: { int: inputs.length },
      Tidx: int,
    });
  }

  add(name: string, left: string, right: string): string {
    return this.#add(name, 'AddV2', [left, right], { T: this.#float });
  }

  /** The larger of two, value by value. */
  maximum(name: string, left: string, right: string): string {
    return this.#add(name, 'Maximum', [left, right], { T: this.#float });
  }

  /** The mean of each channel: [n, h, w, c] to [n, c]. */
  globalAverage(name: string, input: string): string {
    return this.#add(name, 'Mean', [input, this.#ints('spatial_axes', [2], [1, 2])], {
      T: this.#float,
      Tidx: int,
      keep_dims: { flag: false },
    });
  }

  /** The same values in another shape, −1 for the length that follows from the others. */
  reshape(name: string, input: string, shape: readonly number[]): string {
    const target = this.#ints(`${name}/shape`, [shape.length], shape);
    return this.#add(name, 'Reshape', [input, target], { T: this.#float, Tshape: int });
  }

  /** The largest along one axis, which goes. */
  largest(name: string, input: string, axis: number): string {
    return this.#add(name, 'Max', [input, this.#ints(`${name}/axis`, [1], [axis])], {
      T: this.#float,
      Tidx: int,
      keep_dims: { flag: false },
    });
  }

  /** Takes the shape of one tensor's first three axes for another's: see P-Net on blocks. */
  reshapeLike(name: string, input: string, like: string, last: number): string {
    const shape = this.#add(`${name}/of`, 'Shape', [like], { T: this.#float, out_type: int });
    const first = this.#add(
      `${name}/first`,
      'Slice',
      [shape, this.#ints(`${name}/begin`, [1], [0]), this.#ints(`${name}/size`, [1], [3])],
      { T: int, Index: int },
    );
    const target = this.#add(
      `${name}/shape`,
      'ConcatV2',
      [first, this.#ints(`${name}/last`, [1], [last]), this.#ints(`${name}/axis`, [], [0])],
      { T: int, N: { int: 2 }, Tidx: int },
    );
    return this.#add(name, 'Reshape', [input, target], { T: this.#float, Tshape: int });
  }

  /** Over the last axis. */
  softmax(name: string, input: string): string {
    return this.#add(name, 'Softmax', [input], { T: this.#float });
  }

  /** Rows of length 1: x / max(‖x‖, epsilon), as torch.nn.functional.normalize has it. */
  normalize(name: string, input: string, epsilon: number): string {
    const square = this.#add(`${name}/square`, 'Square', [input], { T: this.#float });
    const sum = this.#add(`${name}/sum`, 'Sum', [square, this.#ints('feature_axis', [1], [1])], {
      T: this.#float,
      Tidx: int,
      keep_dims: { flag: true },
    });
    const length = this.#add(`${name}/length`, 'Sqrt', [sum], { T: this.#float });
    const least = this.#constant('epsilon', [], Float32Array.of(epsilon));
    const divisor = this.#add(`${name}/divisor`, 'Maximum', [length, least], { T: this.#float });
    return this.#add(name, 'RealDiv', [input, divisor], { T: this.#float });
  }

  /** @param outputs names given to layers, with the shapes of their results */
  finish(outputs: readonly GraphTensor[]): Network {
    if (this.#input === undefined) throw new Error(`Network ${this.#name} has no input.`);
    return {
      name: this.#name,
      input: this.#input,
      outputs: outputs.map(({ name, shape }) => ({ name: `${this.#name}/${name}`, shape })),
      nodes: this.#nodes,
      weights: this.#weights,
      constants: [...this.#constants.values()],
    };
  }

  /** Of the layers that are added next. */
  get type(): Weight['type'] {
    return this.#type;
  }

  get #float(): Attribute {
    return { type: this.#type };
  }

  #bias(name: string, product: string, bias: Float32Array): string {
    const weight = this.#weight(`${name}/bias`, [bias.length], bias);
    return this.#add(name, 'BiasAdd', [product, weight], {
      T: this.#float,
      data_format: channelsLast,
    });
  }

  #add(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#nodes.push({ name: full, op, inputs, attributes });
    return full;
  }

  #weight(
    name: string,
    shape: readonly number[],
    data: Float32Array,
    levels?: Levels | undefined,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#weights.push({ name: full, shape, data, type: this.#type, ...(levels && { levels }) });
    return full;
  }

  #ints(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.#constant(name, shape, Int32Array.from(values));
  }

  #constant(name: string, shape: readonly number[], data: Float32Array | Int32Array): string {
    const full = `${this.#name}/${name}`;
    this.#constants.set(full, { name: full, shape, data });
    return full;
  }
}
