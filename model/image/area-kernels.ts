/**
 * The loops of `areas.ts`, a pixel's three colours an instruction, with the memory that they work in. A
 * pixel of the table takes 16 bytes: red, green, blue and nothing. Knows no photo and no grid.
 */
import { noSimd } from '../errors.ts';
import {
  advance,
  f32,
  f64,
  get,
  i32,
  instantiate,
  NO_RESULT,
  op,
  reserve,
  type SimdMemory,
  set,
  tee,
  vector,
  vectorAt,
  whileLeft,
  wordAt,
} from '../simd/assembler.ts';

export const TABLE_BYTES = 16;
/**
 * Of a cell's first column and the one after its last, as addresses in the table, int32; how many columns
 * they are, float32; nothing.
 */
export const SPAN_BYTES = 16;
/** Of a cell of a window, where it begins in a line, and its columns, int32. */
export const EXTENT_BYTES = 8;
export const SUM_BYTES = 16;
export const CELL_BYTES = 12;
export const PIXEL_BYTES = 3;
/** Pixels that `addLine` takes at once. */
export const PIXELS_AT_ONCE = 4;
/** What the loops read beyond a line's last pixels. */
export const SPARE_BYTES = 16;

/**
 * Memory that is kept for the next photo, whose pages are not fresh then: as much as 4 megapixels need.
 * A huge photo's is given back.
 */
const KEPT_BYTES = 64 << 20;

export interface AreaKernels {
  readonly memory: SimdMemory;
  /** Adds a line of so many times four pixels, three bytes each, to the table's sums from `table` on. */
  addLine(line: number, table: number, fours: number): void;
  /** Keeps the sums of the cells' columns above this line. */
  begin(spans: number, sums: number, cells: number): void;
  /** The cells' averages since then over so many lines as (x - 127.5) / 128, three float32 each. */
  finish(spans: number, sums: number, into: number, cells: number, lines: number): void;
  /** The same of cells whose pixels lie in so many lines from `line` on, rounded once from float64. */
  average(
    line: number,
    stride: number,
    lines: number,
    extents: number,
    cells: number,
    into: number,
  ): void;
}

let opened: AreaKernels | undefined;

/**
 * The loops with at least so much memory: what lay in it before is lost.
 * @throws {BackendError} where there is no SIMD
 */
export function areaKernels(bytes: number): AreaKernels {
  const isHuge = opened !== undefined && opened.memory.buffer.byteLength > KEPT_BYTES;
  if (isHuge && bytes <= KEPT_BYTES) opened = undefined;
  opened ??= open();
  reserve(opened.memory, bytes);
  return opened;
}

function open(): AreaKernels {
  const functions = { addLine: addLine(), begin: begin(), finish: finish(), average: average() };
  const instance = instantiate(functions, 1);
  if (instance === undefined) throw noSimd();
  return { memory: instance.memory, ...instance.functions };
}

const ZERO = 0x80;
/** Of four pixels of three bytes the one with this index: three int32 and nothing. */
const COLOURS = Array.from({ length: PIXELS_AT_ONCE }, (_, index) =>
  [0, 1, 2, ZERO].flatMap((colour) => [
    colour === ZERO ? ZERO : index * PIXEL_BYTES + colour,
    ...[ZERO, ZERO, ZERO],
  ]),
);

function addLine() {
  const [line, table, fours, pixels, sums] = [0, 1, 2, 3, 4];
  const coloursOf = (index: number): number => 5 + index;
  const body = [
    // Constants are made before the loop, for there they would be made in each turn.
    ...COLOURS.flatMap((colours, index) => [
      ...[...vector('constant', ...colours), ...set(coloursOf(index))],
    ]),
    ...[op.loop, NO_RESULT],
    // The last four bytes are the next pixels'.
    ...[...get(line), ...vectorAt('load'), ...set(pixels)],
    ...COLOURS.flatMap((_, index) => [
      ...get(table),
      ...[...get(table), ...vectorAt('load', index * TABLE_BYTES)],
      ...[...get(pixels), ...get(coloursOf(index)), ...vector('i8x16Swizzle')],
      ...[...get(sums), ...vector('i32x4Add'), ...tee(sums), ...vector('i32x4Add')],
      ...vectorAt('store', index * TABLE_BYTES),
    ]),
    ...[...advance(line, PIXELS_AT_ONCE * PIXEL_BYTES)],
    ...[...advance(table, PIXELS_AT_ONCE * TABLE_BYTES), ...whileLeft(fours)],
  ];
  return { parameters: 3, vectors: 2 + PIXELS_AT_ONCE, body };
}

/** The table's difference over the span at this address. */
const differenceAt = (spans: number): number[] => [
  ...[...get(spans), ...wordAt(op.i32Load, 4), ...vectorAt('load')],
  ...[...get(spans), ...wordAt(op.i32Load), ...vectorAt('load')],
  ...vector('i32x4Sub'),
];

function begin() {
  const [spans, sums, cells] = [0, 1, 2];
  const body = [
    ...[op.loop, NO_RESULT],
    ...[...get(sums), ...differenceAt(spans), ...vectorAt('store')],
    ...[...advance(spans, SPAN_BYTES), ...advance(sums, SUM_BYTES)],
    ...whileLeft(cells),
  ];
  return { parameters: 3, vectors: 0, body };
}

function finish() {
  const [spans, sums, into, cells, lines] = [0, 1, 2, 3, 4];
  const [height, middle, unit, cell] = [5, 6, 7, 8];
  const splat = (value: number[]): number[] => [...value, ...vector('f32x4Splat')];
  // The product of two whole numbers is rounded as the whole number would be.
  const pixels = [
    ...[...get(spans), ...vectorAt('load32Splat', 8), ...get(height), ...vector('f32x4Mul')],
  ];
  const body = [
    ...[...splat([...get(lines), op.f32FromI32]), ...set(height)],
    ...[...splat(f32(127.5)), ...set(middle), ...splat(f32(1 / 128)), ...set(unit)],
    ...[op.loop, NO_RESULT],
    ...[...differenceAt(spans), ...get(sums), ...vectorAt('load'), ...vector('i32x4Sub')],
    ...vector('f32x4FromI32x4'),
    ...[...pixels, ...vector('f32x4Div')],
    ...[...get(middle), ...vector('f32x4Sub'), ...get(unit), ...vector('f32x4Mul'), ...set(cell)],
    ...[...get(into), ...get(cell), ...vectorAt('store64Lane', 0, 0)],
    ...[...get(into), ...get(cell), ...vectorAt('store32Lane', 8, 2)],
    ...[...advance(spans, SPAN_BYTES), ...advance(sums, SUM_BYTES), ...advance(into, CELL_BYTES)],
    ...whileLeft(cells),
  ];
  return { parameters: 5, vectors: 4, body };
}

function average() {
  const [line, stride, lines, extents, cells, into] = [0, 1, 2, 3, 4, 5];
  const [first, pixel, left, leftLines] = [6, 7, 8, 9];
  const [sums, share, middle, unit, blue] = [10, 11, 12, 13, 14];
  const splat = (value: number[]): number[] => [...value, ...vector('f64x2Splat')];
  const columns = [...get(extents), ...wordAt(op.i32Load, 4)];
  /** Of the two sums that are on the stack. */
  const averages = [
    ...[...vector('f64x2FromI32x4'), ...get(share), ...vector('f64x2Mul')],
    ...[...get(middle), ...vector('f64x2Sub'), ...get(unit), ...vector('f64x2Mul')],
    ...vector('f32x4FromF64x2'),
  ];
  const body = [
    ...[...splat(f64(127.5)), ...set(middle), ...splat(f64(1 / 128)), ...set(unit)],
    ...[op.loop, NO_RESULT],
    ...[...get(line), ...get(extents), ...wordAt(op.i32Load), op.i32Add, ...set(first)],
    ...[...get(lines), ...set(leftLines), ...i32(0), ...vector('i32x4Splat'), ...set(sums)],
    ...[op.loop, NO_RESULT],
    ...[...get(first), ...set(pixel), ...columns, ...set(left)],
    ...[op.loop, NO_RESULT],
    // The fourth byte is of the next pixel; nobody reads what becomes of it.
    ...[...get(pixel), ...vectorAt('load32Zero'), ...vector('i16x8ExtendLowU8')],
    ...[...vector('i32x4ExtendLowU16'), ...get(sums), ...vector('i32x4Add'), ...set(sums)],
    ...[...advance(pixel, PIXEL_BYTES), ...whileLeft(left)],
    ...[...get(first), ...get(stride), op.i32Add, ...set(first), ...whileLeft(leftLines)],
    ...[...f64(1), ...columns, op.f64FromI32, ...get(lines), op.f64FromI32, op.f64Mul, op.f64Div],
    ...[...vector('f64x2Splat'), ...set(share)],
    ...[...get(sums), ...get(sums), ...vector('i8x16Shuffle', ...UPPER_HALF), ...averages],
    ...[...set(blue), ...get(into), ...get(sums), ...averages, ...vectorAt('store64Lane', 0, 0)],
    ...[...get(into), ...get(blue), ...vectorAt('store32Lane', 8, 0)],
    ...[...advance(extents, EXTENT_BYTES), ...advance(into, CELL_BYTES), ...whileLeft(cells)],
  ];
  return { parameters: 6, words: 4, vectors: 5, body };
}

/** The second eight bytes of a vector, twice. */
const UPPER_HALF = Array.from({ length: 16 }, (_, at) => 8 + (at % 8));
