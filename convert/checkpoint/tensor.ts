/**
 * A dense tensor as a checkpoint holds it, and the element types of PyTorch’s storages: how their bytes
 * become typed arrays. Knows no pickle.
 */

/** Row-major (C order) values; element types that the supported checkpoints use. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
}

/** A module's parameters and buffers by PyTorch's dotted names, e.g. `conv2d_1a.conv.weight`. */
export type StateDict = ReadonlyMap<string, Tensor>;

type Data = Tensor['data'];

export interface ElementType {
  /** Size of one element in the file. */
  readonly bytes: number;
  /** Size of one element once read. */
  readonly bytesRead: number;
  /** @param bytes whole elements, little-endian, at the start of a buffer of their own */
  readonly decode: (bytes: Uint8Array<ArrayBuffer>) => Data;
}

/** By the name before `Storage` in PyTorch's class names. */
export const elementTypes = {
  Float: { bytes: 4, bytesRead: 4, decode: ({ buffer }) => new Float32Array(buffer) },
  Double: { bytes: 8, bytesRead: 8, decode: ({ buffer }) => new Float64Array(buffer) },
  Half: { bytes: 2, bytesRead: 4, decode: decodeHalf },
  BFloat16: { bytes: 2, bytesRead: 4, decode: decodeBFloat16 },
  Long: { bytes: 8, bytesRead: 8, decode: ({ buffer }) => new BigInt64Array(buffer) },
  Int: { bytes: 4, bytesRead: 4, decode: ({ buffer }) => new Int32Array(buffer) },
  Short: {
    bytes: 2,
    bytesRead: 4,
    decode: ({ buffer }) => Int32Array.from(new Int16Array(buffer)),
  },
  Char: { bytes: 1, bytesRead: 4, decode: ({ buffer }) => Int32Array.from(new Int8Array(buffer)) },
  Byte: { bytes: 1, bytesRead: 1, decode: (bytes) => bytes },
  Bool: { bytes: 1, bytesRead: 1, decode: (bytes) => bytes },
} as const satisfies Record<string, ElementType>;

/** The strides of a tensor in C order, in elements. */
export function contiguous(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const extent of shape.toReversed()) {
    strides.unshift(step);
    step *= extent;
  }
  return strides;
}

/**
 * Copies a strided view out of a storage, in C order.
 * @param bytes the storage; the caller has checked that the view lies within it
 * @param offset the view's first element; `strides` are in elements too
 */
export function readStrided(
  element: ElementType,
  bytes: Uint8Array,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Data {
  const size = element.bytes;
  const length = shape.reduce((product, extent) => product * extent, 1);
  const copy = new Uint8Array(length * size);
  // The trailing axes that lie in one piece are copied at once: all of them for a contiguous tensor.
  let run = 1;
  let outer = shape.length;
  while (outer > 0 && (shape[outer - 1] === 1 || strides[outer - 1] === run)) {
    run *= shape[--outer]!;
  }
  const index = new Array<number>(outer).fill(0);
  let from = offset;
  for (let done = 0; done < length; done += run) {
    copy.set(bytes.subarray(from * size, (from + run) * size), done * size);
    for (let axis = outer - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return element.decode(copy);
}

/** IEEE 754 binary16: 1 sign bit, 5 of exponent (bias 15), 10 of fraction. */
function decodeHalf({ buffer }: Uint8Array<ArrayBuffer>): Float32Array {
  return Float32Array.from(new Uint16Array(buffer), (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** bfloat16 is the upper half of a float32. */
function decodeBFloat16({ buffer }: Uint8Array<ArrayBuffer>): Float32Array {
  return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (upper) => upper << 16).buffer);
}
