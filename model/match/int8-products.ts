/**
 * Dot products of one vector with many rows of int8, eight values an instruction: plain JavaScript takes
 * ten times as long. The WebAssembly for it is a single loop, spelt out below instruction by instruction.
 * Knows nothing of people and distances.
 */

/** Values of a row; a multiple of `LANES`. */
export const ROW_LENGTH = 512;
/** Values that one instruction multiplies. */
const LANES = 8;
const PAGE = 65536;
/** What 32-bit addresses reach. */
const MOST_PAGES = 65536;
/** The vector lies at address 0, as int16; the rows follow it, the products follow the rows. */
const ROWS_AT = ROW_LENGTH * 2;

export interface Int8Products {
  /** [count, 512], to be filled; not -128 */
  readonly rows: Int8Array;
  /** [512], to be filled before `multiply`; not -32768 */
  readonly vector: Int16Array;
  /** [count]: exact, since 512 · 127 · 32767 fits into 32 bits */
  readonly products: Int32Array;
  /** Sets `products` to the product of each row with the vector. */
  multiply(): void;
}

/** @returns undefined where there is no SIMD or not so much memory */
export function openInt8Products(count: number): Int8Products | undefined {
  const productsAt = ROWS_AT + count * ROW_LENGTH;
  const pages = Math.ceil((productsAt + count * 4) / PAGE);
  if (pages > MOST_PAGES) return undefined;
  const opened = open(pages);
  if (opened === undefined) return undefined;
  const { buffer, loop } = opened;
  return {
    rows: new Int8Array(buffer, ROWS_AT, count * ROW_LENGTH),
    vector: new Int16Array(buffer, 0, ROW_LENGTH),
    products: new Int32Array(buffer, productsAt, count),
    multiply() {
      // In pieces: code that is entered often is compiled with all optimisations, here within one pass.
      for (let row = 0; row < count; row += ROWS_A_CALL) {
        const end = Math.min(count, row + ROWS_A_CALL);
        loop(ROWS_AT + row * ROW_LENGTH, ROWS_AT + end * ROW_LENGTH, productsAt + row * 4);
      }
    },
  };
}

const ROWS_A_CALL = 1024;

type Loop = (row: number, end: number, product: number) => void;

/** As far as it is used here: the types of Node leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { loop: Loop } };
  readonly CompileError: ErrorConstructor;
};

function open(pages: number): { buffer: ArrayBuffer; loop: Loop } | undefined {
  try {
    const memory = new WebAssembly.Memory({ initial: pages });
    const module = new WebAssembly.Module(moduleBytes());
    const { exports } = new WebAssembly.Instance(module, { '': { memory } });
    return { buffer: memory.buffer, loop: exports.loop };
  } catch (error) {
    if (error instanceof RangeError || error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

/** Codes of the core specification, section "Binary Format"; `simd` is the prefix of vector instructions. */
const op = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Store: 0x36,
  i32Const: 0x41,
  i32LessUnsigned: 0x49,
  i32Add: 0x6a,
  simd: 0xfd,
} as const;
const simd = {
  load: 0x00,
  load8x8Signed: 0x01,
  i32x4ExtractLane: 0x1b,
  i32x4Add: 0xae,
  i32x4DotI16x8: 0xba,
} as const;
const type = { i32: 0x7f, v128: 0x7b, function: 0x60, none: 0x40 } as const;

/** (row, end, product): addresses of the first row, of the end of the last, and of the first product. */
function loopBody(): number[] {
  const [row, end, product, sums] = [0, 1, 2, 3];
  /** Eight int8 widened to int16, times eight int16, neighbours added: four int32. */
  const eight = (at: number): number[] => [
    ...[op.localGet, row, op.simd, simd.load8x8Signed, 0, ...unsigned(at)],
    ...[op.i32Const, 0, op.simd, simd.load, 0, ...unsigned(at * 2)],
    ...[op.simd, ...unsigned(simd.i32x4DotI16x8)],
  ];
  const add = [op.simd, ...unsigned(simd.i32x4Add)];
  const lane = (index: number): number[] => [
    ...[op.localGet, sums, op.simd, simd.i32x4ExtractLane, index],
  ];
  const steps = Array.from({ length: ROW_LENGTH / LANES }, (_, step) => step * LANES);
  return [
    ...[op.loop, type.none],
    ...steps.flatMap((at) => (at === 0 ? eight(at) : [...eight(at), ...add])),
    ...[op.localSet, sums],
    ...[op.localGet, product],
    ...[...lane(0), ...lane(1), op.i32Add, ...lane(2), op.i32Add, ...lane(3), op.i32Add],
    ...[op.i32Store, 2, 0],
    ...[op.localGet, product, op.i32Const, 4, op.i32Add, op.localSet, product],
    ...[op.localGet, row, op.i32Const, ...signed(ROW_LENGTH), op.i32Add, op.localTee, row],
    ...[op.localGet, end, op.i32LessUnsigned, op.brIf, 0],
    op.end,
  ];
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const body = [1, 1, type.v128, ...loopBody(), op.end];
  return Uint8Array.from([
    ...[0, ...text('asm'), 1, 0, 0, 0],
    // One type: three i32, no result.
    ...section(1, [1, type.function, 3, type.i32, type.i32, type.i32, 0]),
    // One import: a memory of at least one page.
    ...section(2, [1, 0, ...named('memory'), 2, 0, 1]),
    // One function, of type 0, exported.
    ...section(3, [1, 0]),
    ...section(7, [1, ...named('loop'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
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
