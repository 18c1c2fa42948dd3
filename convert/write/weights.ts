/**
 * The order and the number formats of the weights in one file, which both model formats point into.
 * Knows the layout, not what the weights mean.
 */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createDeflate } from 'node:zlib';
import type { Constant, Network, Weight } from '../networks/graph.ts';

/** How numbers lie in the file; readers convert them to the type that their nodes compute with. */
export type Storage = 'float32' | 'float16' | 'bfloat16' | 'uint8';

export const bytesOf: Record<Storage, number> = { float32: 4, float16: 2, bfloat16: 2, uint8: 1 };

/**
 * Bytes of a row. Every weight begins with one, so that TensorFlow, whose tensors begin at multiples of
 * 64 bytes, reads it where it lies.
 */
export const ROW_BYTES = 64;

export interface PlacedWeight {
  readonly weight: Weight;
  readonly storage: Storage;
  /** How many rows it takes; zeros fill the last one. */
  readonly rows: number;
  /** Whether it is to have memory of its own: what is not stored as it is used cannot be a view of it. */
  readonly own: boolean;
}

export interface WeightsLayout {
  /** In their order in the file; those of one storage lie together, and among them those of one shape. */
  readonly weights: readonly PlacedWeight[];
  /** They follow the weights: only the tfjs model reads them from the file. */
  readonly constants: readonly Constant[];
  /** Whether the whole file is one zlib stream (RFC 1950); rows are of what it unpacks to. */
  readonly compressed: boolean;
}

/** @param storageOf a weight; as it is computed with by default */
export function layoutWeights(
  networks: readonly Network[],
  storageOf: (weight: Weight, network: Network) => Storage = ({ type }) => type,
  compressed = false,
): WeightsLayout {
  const weights = networks.flatMap((network) =>
    network.weights.map((weight): PlacedWeight => {
      const storage = storageOf(weight, network);
      const rows = Math.ceil((weight.data.length * bytesOf[storage]) / ROW_BYTES);
      return { weight, storage, rows, own: compressed || storage !== weight.type };
    }),
  );
  const kinds = Map.groupBy(weights, kindOf).values();
  return {
    weights: [...kinds].flatMap((kind) => stacksOf(kind).flat()),
    constants: networks.flatMap((network) => network.constants),
    compressed,
  };
}

/** Weights of one kind are read in one way. */
export function kindOf({ storage, weight }: PlacedWeight): string {
  return storage === weight.type ? storage : `${storage}_to_${weight.type}`;
}

/** Those of one shape, which lie together and fill their rows, so that they are one tensor with an axis more. */
export function stacksOf(kind: readonly PlacedWeight[]): PlacedWeight[][] {
  const alike = Map.groupBy(kind, (placed) =>
    placed.own || paddingOf(placed) > 0 ? placed : placed.weight.shape.join(),
  );
  return [...alike.values()];
}

/** Of the weights without the constants. */
export function rowsOf(weights: readonly PlacedWeight[]): number {
  return weights.reduce((sum, { rows }) => sum + rows, 0);
}

/** Where each weight begins in the file, in units of four bytes, and how it is stored there. */
export function placesOf({
  weights,
}: WeightsLayout): ReadonlyMap<string, { readonly at: number; readonly storage: Storage }> {
  let row = 0;
  return new Map(
    weights.map(({ weight, storage, rows }) => {
      const at = (row * ROW_BYTES) / 4;
      row += rows;
      return [weight.name, { at, storage }];
    }),
  );
}

/** Numbers of its storage that fill the weight's last row. */
export function paddingOf({ weight, storage, rows }: PlacedWeight): number {
  return (rows * ROW_BYTES) / bytesOf[storage] - weight.data.length;
}

/**
 * Weights never repeat, only their exponents are alike: codes by frequency alone save what can be saved, a
 * twelfth, in a third of the time.
 */
const COMPRESSION = { strategy: constants.Z_HUFFMAN_ONLY, memLevel: constants.Z_MAX_MEMLEVEL };

/**
 * Writes the file, little-endian, without a second copy of it in memory.
 * @throws {RangeError} when a weight is too large for float16
 */
export async function writeWeights(path: string, layout: WeightsLayout): Promise<void> {
  const file = createWriteStream(path, { flush: true });
  if (layout.compressed) await pipeline(parts(layout), createDeflate(COMPRESSION), file);
  else await pipeline(parts(layout), file);
}

function* parts({ weights, constants }: WeightsLayout): Generator<Uint8Array> {
  for (const placed of weights) {
    const { weight, storage } = placed;
    yield bytes(stored(weight, storage));
    yield new Uint8Array(paddingOf(placed) * bytesOf[storage]);
  }
  for (const { data } of constants) yield bytes(data);
}

function bytes(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The nearest numbers of the format, ties to even; in 8 bits as they were published. */
export function stored(
  { data, levels }: Pick<Weight, 'data' | 'levels'>,
  storage: Storage,
): ArrayBufferView {
  if (storage === 'float32') return data;
  if (storage === 'uint8') {
    if (levels === undefined) throw new RangeError('A weight was not published in 8 bits.');
    return levels.data;
  }
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
