/**
 * The safetensors layout: an 8-byte length, as many bytes of JSON that describe the tensors, then their
 * bytes. Source: github.com/huggingface/safetensors, "Format". Knows no paths.
 */
import { z } from 'zod';
import { quote, refuse } from '../errors.ts';
import { PickleDict, TensorValue } from './pickle/pickle-values.ts';
import { contiguous, type ElementType, elementTypes, readStrided, type Tensor } from './tensor.ts';

const LENGTH_BYTES = 8;
const METADATA = '__metadata__';

const types: Readonly<Record<string, ElementType>> = {
  F32: elementTypes.Float,
  F64: elementTypes.Double,
  F16: elementTypes.Half,
  BF16: elementTypes.BFloat16,
  I64: elementTypes.Long,
  I32: elementTypes.Int,
  I16: elementTypes.Short,
  I8: elementTypes.Char,
  U8: elementTypes.Byte,
  BOOL: elementTypes.Bool,
};

const count = z.int().nonnegative();
const describedSchema = z.object({
  dtype: z.string(),
  shape: z.array(count).max(64),
  data_offsets: z.tuple([count, count]),
});
const headerSchema = z.record(z.string(), z.unknown());

/** Whether the bytes begin as this layout does; nothing else that is expected here does. */
export function isSafetensors(bytes: Uint8Array): boolean {
  const length = headerLength(bytes);
  return length !== undefined && length <= bytes.length - LENGTH_BYTES && bytes[8] === 0x7b;
}

/** @throws {CheckpointFault} when the header does not describe the bytes that follow it */
export function readSafetensors(bytes: Uint8Array): PickleDict {
  const start = LENGTH_BYTES + (headerLength(bytes) ?? 0);
  const data = bytes.subarray(start);
  const tensors = new PickleDict();
  let used = 0;
  for (const [name, described] of Object.entries(headerOf(bytes.subarray(LENGTH_BYTES, start)))) {
    if (name === METADATA) continue;
    const tensor = tensorFrom(name, described, data);
    used += tensor.bytes;
    // The layout forbids overlaps, so that no file grows beyond its size.
    if (used > data.length) refuse('its tensors overlap: it is damaged');
    tensors.set(name, tensor);
  }
  return tensors;
}

function headerLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}

function headerOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return headerSchema.parse(JSON.parse(text));
  } catch {
    return refuse('its safetensors header is damaged');
  }
}

class SafeTensor extends TensorValue {
  readonly shape: readonly number[];
  readonly #element: ElementType;
  readonly #data: Uint8Array;
  #tensor: Tensor | undefined;

  constructor(element: ElementType, shape: readonly number[], data: Uint8Array) {
    super();
    this.shape = shape;
    this.#element = element;
    this.#data = data;
  }

  get bytes(): number {
    return this.#data.length;
  }

  read(): Tensor {
    this.#tensor ??= {
      shape: this.shape,
      data: readStrided(this.#element, this.#data, 0, this.shape, contiguous(this.shape)),
    };
    return this.#tensor;
  }
}

function tensorFrom(name: string, described: unknown, data: Uint8Array): SafeTensor {
  const { success, data: header } = describedSchema.safeParse(described);
  if (!success) return refuse(`its safetensors header describes ${quote(name)} wrongly`);
  const { dtype, shape, data_offsets: offsets } = header;
  const element = types[dtype];
  if (element === undefined) {
    return refuse(`its tensor ${quote(name)} is of the type ${quote(dtype)}: save it as F32`);
  }
  const [from, to] = offsets;
  const elements = shape.reduce((product, extent) => product * extent, 1);
  if (to > data.length) return refuse('it ends in the middle: it is cut short');
  if (to - from !== elements * element.bytes) {
    return refuse(`its tensor ${quote(name)} has another size than its shape says: it is damaged`);
  }
  return new SafeTensor(element, shape, data.subarray(from, to));
}
