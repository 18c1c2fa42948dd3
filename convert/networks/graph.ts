/**
 * A network as TensorFlow nodes with its weights kept apart, what the builders make and both writers read,
 * and the builder that collects them under the network’s name. Knows no layer.
 */

export type DataType =
  | 'float32'
  | 'bfloat16'
  | 'float16'
  | 'int32'
  | 'uint8'
  | 'string'
  | 'resource';

/** A node's attribute; the kinds are those of TensorFlow's AttrValue. */
export type Attribute =
  | { readonly type: DataType }
  | { readonly shape: readonly number[] }
  | { readonly int: number }
  | { readonly flag: boolean }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly types: readonly DataType[] }
  | { readonly texts: readonly string[] }
  | { readonly tensor: Constant }
  /** A constant of one text. */
  | { readonly string: string };

/** A number that the architecture fixes (an axis, a shape), unlike a weight, which was learned. */
export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Learned values in the order the nodes read them: HWIO for convolutions, [in, out] for layers. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** What the nodes compute with. */
  readonly type: 'float32' | 'bfloat16';
  /** What `data` is computed from, where it was published in 8 bits. */
  readonly levels?: Levels | undefined;
}

/** (level · scale + min) · factor, one factor for each place of the last axis. */
export interface Levels {
  readonly data: Uint8Array;
  readonly scale: number;
  readonly min: number;
  readonly factors: Float32Array;
}

/**
 * Inputs are names of nodes, weights or constants. The op is TensorFlow's, but for `Prelu` (x, slope),
 * which TensorFlow lacks: a writer for TensorFlow has to spell it out.
 */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output; −1 stands for a length that is free. */
export interface GraphTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every name in it starts with `<name>/`; the nodes are in an order that can be executed. */
export interface Network {
  readonly name: string;
  readonly input: GraphTensor;
  readonly outputs: readonly GraphTensor[];
  readonly nodes: readonly GraphNode[];
  readonly weights: readonly Weight[];
  readonly constants: readonly Constant[];
}

/** The name of a tensor within its network, e.g. `embedding` of `encoder/embedding`. */
export function tensorName(network: Network, tensor: GraphTensor): string {
  return tensor.name.slice(network.name.length + 1);
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function constantNode(constant: Constant): GraphNode {
  return {
    name: constant.name,
    op: 'Const',
    inputs: [],
    attributes: { dtype: { type: typeOf(constant) }, value: { tensor: constant } },
  };
}

/** A constant of whole numbers in a row: a shape, lengths, where something begins. */
export function vectorNode(name: string, values: readonly number[]): GraphNode {
  return constantNode({ name, shape: [values.length], data: Int32Array.from(values) });
}

export function typeOf({ data }: Constant): DataType {
  return data instanceof Float32Array ? 'float32' : 'int32';
}

export class GraphBuilder {
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
    const node = this.emit(name, 'Placeholder', [], { dtype: this.dtype, shape: { shape } });
    this.#input = { name: node, shape };
    return node;
  }

  /** What follows computes in `type`; its input too. @returns the input in that type */
  cast(name: string, input: string, type: Weight['type']): string {
    if (type === this.#type) return input;
    const from = this.dtype;
    this.#type = type;
    return this.emit(name, 'Cast', [input], {
      SrcT: from,
      DstT: this.dtype,
      Truncate: { flag: false },
    });
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

  /** The same as a node's attribute. */
  protected get dtype(): Attribute {
    return { type: this.#type };
  }

  /** @returns the node's full name, which others take it as an input by */
  protected emit(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#nodes.push({ name: full, op, inputs, attributes });
    return full;
  }

  protected weight(
    name: string,
    shape: readonly number[],
    data: Float32Array,
    levels?: Levels | undefined,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#weights.push({ name: full, shape, data, type: this.#type, ...(levels && { levels }) });
    return full;
  }

  /** Float32 values that no node reads, but that kernels outside the graph may. */
  protected weightBeside(name: string, data: Float32Array): void {
    const full = `${this.#name}/${name}`;
    this.#weights.push({ name: full, shape: [data.length], data, type: 'float32' });
  }

  protected ints(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.constant(name, shape, Int32Array.from(values));
  }

  protected constant(
    name: string,
    shape: readonly number[],
    data: Float32Array | Int32Array,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#constants.set(full, { name: full, shape, data });
    return full;
  }
}
