/**
 * Writes .pt files as torch.save does, in both layouts, and pickles that no torch.save would write. For
 * tests only; shares no code with the reader.
 */
import { zipSync } from 'fflate';

const elementBytes = { Float: 4, Double: 8, Half: 2, BFloat16: 2, Long: 8, Int: 4, Byte: 1 };

export interface StorageFixture {
  readonly key: string;
  readonly type: keyof typeof elementBytes;
  readonly bytes: Uint8Array;
  /** A part of the storage; in the legacy layout only. */
  readonly view?: { readonly key: string; readonly offset: number; readonly length: number };
}

export class TensorFixture {
  readonly storage: StorageFixture;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;

  constructor(
    storage: StorageFixture,
    shape: readonly number[],
    strides: readonly number[] = contiguous(shape),
    offset = 0,
  ) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
  }
}

export type FixtureValue =
  | number
  | string
  | readonly FixtureValue[]
  | ReadonlyMap<string, FixtureValue>
  | TensorFixture;

export function storage(
  key: string,
  type: StorageFixture['type'],
  data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint16Array | Uint8Array,
): StorageFixture {
  return { key, type, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function contiguous(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const extent of shape.toReversed()) {
    strides.unshift(step);
    step *= extent;
  }
  return strides;
}

/** Bytes by number, text by its characters, longer pieces as they are. */
export function assemble(...parts: readonly (number | string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))),
  );
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** BINUNICODE */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return assemble('X', uint32(bytes.length), bytes);
}

/** BININT where it holds the value, else LONG1. */
export function integer(value: number): Buffer {
  const small = value <= 0x7fffffff && value >= -0x80000000;
  return small ? assemble('J', uint32(value >>> 0)) : assemble(0x8a, 8, uint64(value));
}

type GlobalStyle = 'GLOBAL' | 'STACK_GLOBAL';

export function globalName(module: string, name: string, style: GlobalStyle = 'GLOBAL'): Buffer {
  return style === 'GLOBAL'
    ? assemble('c', module, '\n', name, '\n')
    : assemble(0x8c, module.length, module, 0x8c, name.length, name, 0x93);
}

export const tuple = (...items: readonly Uint8Array[]) => assemble('(', ...items, 't');
export const integers = (values: readonly number[]) => tuple(...values.map(integer));

export interface PickleStyle {
  readonly legacy: boolean;
  readonly globals?: GlobalStyle;
}

/** The instructions that build a value, without start and end. */
export function instructionsFor(value: FixtureValue, style: PickleStyle): Buffer {
  const build = (inner: FixtureValue) => instructionsFor(inner, style);
  if (typeof value === 'number') return integer(value);
  if (typeof value === 'string') return text(value);
  if (value instanceof TensorFixture) return tensorInstructions(value, style);
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, inner]) => [text(key), build(inner)]);
    const state = assemble('}', text('_metadata'), '}', 's');
    return assemble(orderedDict(style), '(', ...entries, 'u', state, 'b');
  }
  return assemble(']', '(', ...(value as readonly FixtureValue[]).map(build), 'e');
}

const orderedDict = ({ globals }: PickleStyle) =>
  assemble(globalName('collections', 'OrderedDict', globals), ')', 'R');

function tensorInstructions(
  { storage: { key, type, bytes, view }, shape, strides, offset }: TensorFixture,
  style: PickleStyle,
): Buffer {
  const part = view && tuple(text(view.key), integer(view.offset), integer(view.length));
  const id = tuple(
    text('storage'),
    globalName('torch', `${type}Storage`, style.globals),
    text(key),
    text('cpu'),
    integer(bytes.length / elementBytes[type]),
    ...(style.legacy ? [part ?? Buffer.from('N')] : []),
  );
  return assemble(
    globalName('torch._utils', '_rebuild_tensor_v2', style.globals),
    tuple(
      assemble(id, 'Q'),
      integer(offset),
      integers(shape),
      integers(strides),
      Buffer.of(0x89),
      orderedDict(style),
    ),
    'R',
  );
}

/** Protocol 2, or 4 with a frame. */
export function pickle(instructions: Uint8Array, protocol: 2 | 4 = 2): Buffer {
  const frame = protocol === 4 ? assemble(0x95, uint64(instructions.length + 1)) : '';
  return assemble(0x80, protocol, frame, instructions, '.');
}

function storagesOf(value: FixtureValue): StorageFixture[] {
  if (value instanceof TensorFixture) return [value.storage];
  if (value instanceof Map) return [...value.values()].flatMap(storagesOf);
  return Array.isArray(value) ? value.flatMap(storagesOf) : [];
}

const byKey = (storages: readonly StorageFixture[]) =>
  new Map(storages.map((one) => [one.key, one] as const));

const MAGIC = assemble(0x8a, 10, Buffer.from('6cfc9c46f9206aa85019', 'hex'));

export interface LegacyParts {
  readonly magic?: Uint8Array;
  readonly protocol?: number;
  readonly littleEndian?: boolean;
  /** Instead of the value's own pickle. */
  readonly object?: Uint8Array;
}

export function legacyFile(value: FixtureValue, parts: LegacyParts = {}): Buffer {
  const { protocol = 1001, littleEndian = true } = parts;
  const storages = [...byKey(storagesOf(value)).values()];
  const system = assemble('}', text('little_endian'), littleEndian ? 0x88 : 0x89, 's');
  const keys = instructionsFor(
    storages.map(({ key }) => key),
    { legacy: true },
  );
  return assemble(
    parts.magic ?? pickle(MAGIC),
    pickle(integer(protocol)),
    pickle(system),
    parts.object ?? pickle(instructionsFor(value, { legacy: true })),
    pickle(keys),
    ...storages.flatMap(({ type, bytes }) => [uint64(bytes.length / elementBytes[type]), bytes]),
  );
}

export interface ZipParts {
  readonly protocol?: 2 | 4;
  readonly globals?: GlobalStyle;
  readonly object?: Uint8Array;
  readonly byteOrder?: string;
  /** Further entries, or others instead of the usual ones. */
  readonly entries?: Readonly<Record<string, Uint8Array>>;
  /** Of deflate; torch.save stores. */
  readonly level?: 0 | 9;
}

export function zipFile(value: FixtureValue, parts: ZipParts = {}): Buffer {
  const { protocol = 2, globals = 'GLOBAL', byteOrder, level = 0 } = parts;
  const contents = [...byKey(storagesOf(value))].map(
    ([key, { bytes }]) => [`archive/data/${key}`, bytes] as const,
  );
  const object = instructionsFor(value, { legacy: false, globals });
  return Buffer.from(
    zipSync(
      {
        'archive/data.pkl': parts.object ?? pickle(object, protocol),
        ...Object.fromEntries(contents),
        'archive/version': Buffer.from('3\n'),
        ...(byteOrder === undefined ? {} : { 'archive/byteorder': Buffer.from(byteOrder) }),
        ...parts.entries,
      },
      { level },
    ),
  );
}
