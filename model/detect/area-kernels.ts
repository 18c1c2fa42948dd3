/**
 * The loops of `areas.ts`, a pixel's three colours an instruction, with the memory that they work in. A
 * pixel of the table takes 16 bytes: red, green, blue and nothing. Knows no photo and no grid.
 */
import { noSimd } from '../errors.ts';
import {
  advance,
  f32,
  get,
  i32,
  instantiate,
  NO_RESULT,
  op,
  reserve,
  type SimdMemory,
  set,
  vector,
  vectorAt,
  whileLeft,
  wordAt,
} from '../simd/assembler.ts';

export const TABLE_BYTES = 16;
/** Of a cell's first column and the one after its last, as addresses in the table. */
export const SPAN_BYTES = 8;
export const SUM_BYTES = 16;
export const CELL_BYTES = 12;
/** What the loops may read or write beyond a line of pixels or of cells. */
export const SPARE_BYTES = 16;

export interface AreaKernels {
  readonly memory: SimdMemory;
  /** Makes the memory at least so large, which may take its buffer away. */
  reserve(bytes: number): void;
  /** Adds a line of pixels, three bytes each, to the table's sums from `table` on. */
  addLine(line: number, table: number, pixels: number): void;
  /** Keeps the sums of the cells' columns above this line. */
  begin(spans: number, sums: number, cells: number): void;
  /** The cells' averages since then over so many lines as (x - 127.5) / 128, three float32 each. */
  finish(spans: number, sums: number, into: number, cells: number, lines: number): void;
}

let opened: AreaKernels | undefined;

/** @throws {BackendError} where there is no SIMD */
export function areaKernels(): AreaKernels {
  opened ??= open();
  return opened;
}

function open(): AreaKernels {
  const instance = instantiate({ addLine: addLine(), begin: begin(), finish: finish() }, 1);
  if (instance === undefined) throw noSimd();
  const { memory, functions } = instance;
  return { memory, reserve: (bytes) => reserve(memory, bytes), ...functions };
}

function addLine() {
  const [line, table, pixels, sums] = [0, 1, 2, 3];
  const body = [
    ...[op.loop, NO_RESULT],
    ...get(sums),
    // The fourth byte is of the next pixel; nobody reads what becomes of it.
    ...[...get(line), ...vectorAt('load32Zero')],
    ...[...vector('i16x8ExtendLowU8'), ...vector('i32x4ExtendLowU16'), ...vector('i32x4Add')],
    ...set(sums),
    ...get(table),
    ...[...get(table), ...vectorAt('load'), ...get(sums), ...vector('i32x4Add')],
    ...vectorAt('store'),
    ...[...advance(line, 3), ...advance(table, TABLE_BYTES)],
    ...whileLeft(pixels),
  ];
  return { parameters: 3, vectors: 1, body };
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
  const splat = (value: number[]): number[] => [...value, ...vector('f32x4Splat')];
  /** Columns of the span: a column of the table takes 2^4 bytes. */
  const columns = [
    ...[...get(spans), ...wordAt(op.i32Load, 4), ...get(spans), ...wordAt(op.i32Load), op.i32Sub],
    ...[...i32(4), op.i32ShiftRightUnsigned],
  ];
  const body = [
    ...[op.loop, NO_RESULT],
    ...get(into),
    ...[...differenceAt(spans), ...get(sums), ...vectorAt('load'), ...vector('i32x4Sub')],
    ...vector('f32x4FromI32x4'),
    ...[...splat([...get(lines), ...columns, op.i32Mul, op.f32FromI32]), ...vector('f32x4Div')],
    ...[...splat(f32(127.5)), ...vector('f32x4Sub')],
    ...[...splat(f32(1 / 128)), ...vector('f32x4Mul')],
    // Its last four bytes are the next cell's.
    ...vectorAt('store'),
    ...[...advance(spans, SPAN_BYTES), ...advance(sums, SUM_BYTES), ...advance(into, CELL_BYTES)],
    ...whileLeft(cells),
  ];
  return { parameters: 5, vectors: 0, body };
}
