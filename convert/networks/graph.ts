/**
 * A network as TensorFlow nodes with its weights kept apart: what the builders make and both writers
 * write. Knows neither checkpoints nor file formats.
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
