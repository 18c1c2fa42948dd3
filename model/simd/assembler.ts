/**
 * WebAssembly modules of small functions, spelt out instruction by instruction: loops that plain JavaScript
 * takes five to ten times as long for, without a build step. Codes are those of the core specification,
 * section "Binary Format". Knows no function.
 */

export const op = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  i32Load: 0x28,
  i32Store: 0x36,
  i32LessUnsigned: 0x49,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  f64Mul: 0xa2,
  f64Div: 0xa3,
  f32FromI32: 0xb2,
  f64FromI32: 0xb7,
} as const;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const I32_CONST = 0x41;
const F32_CONST = 0x43;
const F64_CONST = 0x44;
const SIMD = 0xfd;

const simd = {
  load: 0x00,
  load8x8Signed: 0x01,
  load32Splat: 0x09,
  store: 0x0b,
  constant: 0x0c,
  i8x16Shuffle: 0x0d,
  i8x16Swizzle: 0x0e,
  i32x4Splat: 0x11,
  f32x4Splat: 0x13,
  f64x2Splat: 0x14,
  i32x4ExtractLane: 0x1b,
  store32Lane: 0x5a,
  store64Lane: 0x5b,
  load32Zero: 0x5c,
  load64Zero: 0x5d,
  f32x4FromF64x2: 0x5e,
  i8x16NarrowI16: 0x66,
  i16x8NarrowI32: 0x85,
  i16x8ExtendLowU8: 0x89,
  i16x8ExtendHighU8: 0x8a,
  i32x4ExtendLowU16: 0xa9,
  i32x4ExtendHighU16: 0xaa,
  i32x4ShiftLeft: 0xab,
  i32x4ShiftRight: 0xac,
  i32x4Add: 0xae,
  i32x4Sub: 0xb1,
  i32x4DotI16x8: 0xba,
  f32x4Sub: 0xe5,
  f32x4Mul: 0xe6,
  f32x4Div: 0xe7,
  f32x4Max: 0xe9,
  f64x2Sub: 0xf1,
  f64x2Mul: 0xf2,
  f32x4FromI32x4: 0xfa,
  f64x2FromI32x4: 0xfe,
  /** Of the relaxed ones: a · b + c, rounded once where the processor can. */
  f32x4MultiplyAdd: 0x105,
} as const;
type SimdName = keyof typeof simd;

const type = { i32: 0x7f, v128: 0x7b, function: 0x60, none: 0x40 } as const;
export const NO_RESULT = type.none;

export const get = (local: number): number[] => [LOCAL_GET, local];
export const set = (local: number): number[] => [LOCAL_SET, local];
export const tee = (local: number): number[] => [LOCAL_TEE, local];
/** @param value from 0 */
export const i32 = (value: number): number[] => [I32_CONST, ...signed(value)];
export const f32 = (value: number): number[] => [
  F32_CONST,
  ...new Uint8Array(Float32Array.of(value).buffer),
];
export const f64 = (value: number): number[] => [
  F64_CONST,
  ...new Uint8Array(Float64Array.of(value).buffer),
];
/** A vector instruction without an address. @param lanes of those that pick some, or a constant's bytes */
export const vector = (name: SimdName, ...lanes: number[]): number[] => [
  SIMD,
  ...unsigned(simd[name]),
  ...lanes,
];
/** A vector instruction with an address, `offset` bytes further. @param lane of those that pick one */
export const vectorAt = (name: SimdName, offset = 0, ...lane: number[]): number[] => [
  ...vector(name),
  0,
  ...unsigned(offset),
  ...lane,
];
/** An instruction on an i32 in memory. */
export const wordAt = (code: number, offset = 0): number[] => [code, 2, ...unsigned(offset)];
/** local += step */
export const advance = (local: number, step: number): number[] => [
  ...get(local),
  ...i32(step),
  op.i32Add,
  ...set(local),
];
/** Ends a loop that goes on while so many are left. */
export const whileLeft = (count: number): number[] => [
  ...[...get(count), ...i32(1), op.i32Sub, ...tee(count), op.brIf, 0],
  op.end,
];

/** A function of i32 that returns nothing. */
export interface SmallFunction {
  readonly parameters: number;
  /** Further i32, which follow the parameters. */
  readonly words?: number;
  /** They follow those. */
  readonly vectors: number;
  readonly body: readonly number[];
}

/** As far as it is used here: the types of Node leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => SimdMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  readonly CompileError: ErrorConstructor;
};

export const PAGE_BYTES = 65536;

export function isMemory(value: unknown): value is SimdMemory {
  return value instanceof WebAssembly.Memory;
}

export interface SimdMemory {
  /** Another one after each `grow`. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

/** Makes the memory at least so large, which may take its buffer away. */
export function reserve(memory: SimdMemory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
}

/** Hands out places in a memory, one behind the other, each where a vector may begin. */
export class MemoryLayout {
  /** Of all that were handed out. */
  bytes = 0;

  /** @returns the address of so many bytes */
  take(bytes: number): number {
    const at = this.bytes;
    this.bytes = aligned(at + bytes);
    return at;
  }
}

/** To a multiple of a vector's 16 bytes. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

export interface Instance<Name extends string> {
  readonly memory: SimdMemory;
  readonly functions: Readonly<Record<Name, (...values: number[]) => void>>;
}

/**
 * @param place pages of a new memory, or one that is there
 * @returns undefined where there is no SIMD of this kind or not so much memory
 */
export function instantiate<Name extends string>(
  functions: Readonly<Record<Name, SmallFunction>>,
  place: number | SimdMemory,
): Instance<Name> | undefined {
  try {
    const memory = typeof place === 'number' ? new WebAssembly.Memory({ initial: place }) : place;
    const module = new WebAssembly.Module(moduleBytes(functions));
    const { exports } = new WebAssembly.Instance(module, { '': { memory } });
    return { memory, functions: exports as Instance<Name>['functions'] };
  } catch (error) {
    if (error instanceof RangeError || error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

function moduleBytes(functions: Readonly<Record<string, SmallFunction>>): Uint8Array<ArrayBuffer> {
  const all = Object.entries(functions);
  const bodies = all.map(([, { words = 0, vectors, body }]) => {
    const code = [...[2, words, type.i32, vectors, type.v128], ...body, op.end];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0, ...text('asm'), 1, 0, 0, 0],
    // One type for each function.
    ...section(1, [
      all.length,
      ...all.flatMap(([, { parameters }]) => [
        ...[type.function, parameters, ...Array<number>(parameters).fill(type.i32), 0],
      ]),
    ]),
    // One import: a memory of at least one page.
    ...section(2, [1, 0, ...named('memory'), 2, 0, 1]),
    ...section(3, [all.length, ...all.keys()]),
    ...section(7, [all.length, ...all.flatMap(([name], index) => [...named(name), 0, index])]),
    ...section(10, [all.length, ...bodies.flat()]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function named(name: string): number[] {
  return [name.length, ...text(name)];
}

function text(ascii: string): number[] {
  return [...ascii].map((letter) => letter.charCodeAt(0));
}

/** LEB128: seven bits a byte, the least first, the eighth set where another follows. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** The same for values from 0 that are read with a sign, which is the seventh bit of the last byte. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
