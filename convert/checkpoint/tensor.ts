/** A dense tensor as a checkpoint holds it: the words the reader and the graph builder share. */

/** Row-major (C order) values; element types that the supported checkpoints use. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
}

/** A module's parameters and buffers by PyTorch's dotted names, e.g. `conv2d_1a.conv.weight`. */
export type StateDict = ReadonlyMap<string, Tensor>;
