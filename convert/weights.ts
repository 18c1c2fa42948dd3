/**
 * The order and the number formats of all weights in one file, which both model formats point into.
 * Knows the layout, not what the weights mean.
 */
import { open } from 'node:fs/promises';
import type { Constant, Network, Weight } from './graph.ts';

/** How numbers lie in the file; whoever reads them makes the type that its nodes compute with. */
export type Storage = 'float32' | 'float16' | 'bfloat16';

const bytesOf: Record<Storage, number> = { float32: 4, float16: 2, bfloat16: 2 };

export interface PlacedWeight {
  readonly weight: Weight;
  readonly storage: Storage;
  /** From the beginning of the file, in elements as they are stored. */
  readonly offset: number;
}

export interface WeightsLayout {
  readonly weights: readonly PlacedWeight[];
  /** They follow the weights: only the tfjs model reads them from the file. */
  readonly constants: readonly Constant[];
}

/**
 * Networks with the largest weights come first: the lengths of theirs are multiples of 64 bytes, and
 * TensorFlow hands out slices that begin and end on such without copying them.
 * @param storageOf a weight; as it is computed with by default
 */
export function layoutWeights(
  networks: readonly Network[],
  storageOf: (weight: Weight, network: Network) => Storage = ({ type }) => type,
): WeightsLayout {
  const size = ({ weights }: Network) => weights.reduce((sum, { data }) => sum + data.length, 0);
  const ordered = networks.toSorted((a, b) => size(b) - size(a));
  let at = 0;
  const weights = ordered.flatMap((network) =>
    network.weights.map((weight): PlacedWeight => {
      const storage = storageOf(weight, network);
      const offset = at / bytesOf[storage];
      if (!Number.isInteger(offset)) throw new Error(`${weight.name} is not aligned in its file.`);
      at += weight.data.length * bytesOf[storage];
      return { weight, storage, offset };
    }),
  );
  return { weights, constants: ordered.flatMap((network) => network.constants) };
}

/** In bytes, of the weights without the constants. */
export function lengthOf({ weights }: WeightsLayout): number {
  return weights.reduce(
    (sum, { weight, storage }) => sum + weight.data.length * bytesOf[storage],
    0,
  );
}

/**
 * Writes the file, little-endian, without a second copy of it in memory.
 * @throws {RangeError} when a weight is too large for float16
 */
export async function writeWeights(path: string, layout: WeightsLayout): Promise<void> {
  await using file = await open(path, 'w');
  for (const { weight, storage } of layout.weights) {
    await file.writeFile(bytes(stored(weight.data, storage)));
  }
  for (const { data } of layout.constants) await file.writeFile(bytes(data));
  await file.sync();
}

function bytes(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The nearest numbers of the format, ties to even. */
export function stored(data: Float32Array, storage: Storage): ArrayBufferView {
  if (storage === 'float32') return data;
  if (storage === 'bfloat16') return toBfloat16(data);
  const half = Float16Array.from(data);
  if (!half.every(Number.isFinite)) throw new RangeError('A weight is too large for float16.');
  return half;
}

/** The upper half of a float32's bits, rounded by adding just under half a step, or half where it is odd. */
export function bfloat16Bits(word: number): number {
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

function toBfloat16(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const rounded = new Uint16Array(bits.length);
  // Not `from` with a function, which takes a second and a half for the encoder.
  for (let at = 0; at < bits.length; at++) {
    rounded[at] = bfloat16Bits(bits[at]!);
  }
  return rounded;
}
