/**
 * The loops of `resample.ts` and the memory that they work in. Two source pixels at a time: one
 * instruction multiplies eight values of 16 bits and adds neighbours, so a weight of up to 23 bits is two
 * numbers, the lower 15 bits and the others, with sums of their own. Knows no image and no filter.
 */
import { noSimd } from '../errors.ts';
import {
  advance,
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

export const WEIGHT_BITS = 22;
/** Of a weight's lower part. */
export const LOWER_BITS = 15;
/** Two weights, as int16: both lower parts, both upper ones. */
export const PAIR_BYTES = 8;
/** Lines that `alongRows` takes at once. */
export const LINES_AT_ONCE = 4;
/** Values that `alongColumns` takes at once. */
export const VALUES_AT_ONCE = 16;
/** What the loops read beyond a line's last pixel: one pixel more, and two bytes. */
export const SPARE_BYTES = 16;

export interface ResampleKernels {
  readonly memory: SimdMemory;
  /** Makes the memory at least so large, which may take its buffer away. */
  reserve(bytes: number): void;
  /**
   * Four lines at `from`, `stride` bytes apart, become four of `targets` pixels.
   * @param starts bytes from a line's begin to each target's first source pixel, int32
   * @param weights of each target, so many pairs
   */
  alongRows(
    from: number,
    stride: number,
    starts: number,
    weights: number,
    pairs: number,
    into: number,
    intoStride: number,
    targets: number,
  ): void;
  /** The lines from `from` on, `stride` bytes apart, become one of so many times 16 values. */
  alongColumns(
    from: number,
    stride: number,
    weights: number,
    pairs: number,
    into: number,
    vectors: number,
  ): void;
}

let opened: ResampleKernels | undefined;

/** @throws {BackendError} where there is no SIMD */
export function resampleKernels(): ResampleKernels {
  opened ??= open();
  return opened;
}

function open(): ResampleKernels {
  const instance = instantiate({ alongRows: alongRows(), alongColumns: alongColumns() }, 1);
  if (instance === undefined) throw noSimd();
  const { memory, functions } = instance;
  return { memory, reserve: (bytes) => reserve(memory, bytes), ...functions };
}

/** Sums of the lower and of the upper parts. */
interface Sums {
  readonly lower: number;
  readonly upper: number;
}

/** So many sums in the vectors from `first` on. */
const sumsFrom = (first: number, count: number): Sums[] =>
  Array.from({ length: count }, (_, index) => ({
    lower: first + index * 2,
    upper: first + index * 2 + 1,
  }));

const clear = (sums: readonly Sums[]): number[] =>
  sums.flatMap(({ lower, upper }) => [
    ...[...i32(1 << (WEIGHT_BITS - 1)), ...vector('i32x4Splat'), ...set(lower)],
    ...[...i32(0), ...vector('i32x4Splat'), ...set(upper)],
  ]);

/** Adds what eight values give with the pairs of weights. */
const addProducts = (sums: Sums, values: number, pairs: Sums): number[] => [
  ...[...get(sums.lower), ...get(values), ...get(pairs.lower), ...vector('i32x4DotI16x8')],
  ...[...vector('i32x4Add'), ...set(sums.lower)],
  ...[...get(sums.upper), ...get(values), ...get(pairs.upper), ...vector('i32x4DotI16x8')],
  ...[...vector('i32x4Add'), ...set(sums.upper)],
];

const loadPairs = (address: number, pairs: Sums): number[] => [
  ...[...get(address), ...vectorAt('load32Splat'), ...set(pairs.lower)],
  ...[...get(address), ...vectorAt('load32Splat', 4), ...set(pairs.upper)],
];

/** Rounds four times four sums and clips them to bytes. */
const asBytes = (sums: readonly Sums[]): number[] => {
  const rounded = ({ lower, upper }: Sums): number[] => [
    ...[...get(upper), ...i32(LOWER_BITS), ...vector('i32x4ShiftLeft'), ...get(lower)],
    ...[...vector('i32x4Add'), ...i32(WEIGHT_BITS), ...vector('i32x4ShiftRight')],
  ];
  const [first, second, third, fourth] = sums.map(rounded);
  return [
    ...[...first!, ...second!, ...vector('i16x8NarrowI32')],
    ...[...third!, ...fourth!, ...vector('i16x8NarrowI32')],
    ...vector('i8x16NarrowI16'),
  ];
};

const ZERO = 0x80;
/** Of two pixels of three bytes: red and red, green and green, blue and blue, as int16. */
const PAIRED = [0, 3, 1, 4, 2, 5].flatMap((from) => [from, ZERO]).concat(Array(4).fill(ZERO));

function alongRows() {
  const [from, stride, starts, weights, pairs, into, intoStride, targets] = [
    0, 1, 2, 3, 4, 5, 6, 7,
  ];
  const [left, ...lines] = [8, 9, 10, 11, 12] as const;
  const sums = sumsFrom(13, LINES_AT_ONCE);
  const weightsOfPair = { lower: 21, upper: 22 };
  const [pixels, paired] = [23, 24];
  const addLine = (line: number, index: number): number[] => [
    // Two bytes are of the next pixel, and are left out.
    ...[...get(line), ...vectorAt('load64Zero'), ...get(paired), ...vector('i8x16Swizzle')],
    ...[...set(pixels), ...addProducts(sums[index]!, pixels, weightsOfPair), ...advance(line, 6)],
  ];
  const body = [
    ...[...vector('constant', ...PAIRED), ...set(paired)],
    ...[op.loop, NO_RESULT],
    ...[...get(from), ...get(starts), ...wordAt(op.i32Load), op.i32Add, ...set(lines[0])],
    ...addresses(lines, stride),
    ...[...clear(sums), ...get(pairs), ...set(left)],
    ...[op.loop, NO_RESULT],
    ...[...loadPairs(weights, weightsOfPair), ...lines.flatMap(addLine)],
    ...[...advance(weights, PAIR_BYTES), ...whileLeft(left)],
    ...[...asBytes(sums), ...set(pixels)],
    ...[...get(into), ...set(lines[0]), ...addresses(lines, intoStride)],
    // Each one's fourth byte is overwritten by the next pixel.
    ...lines.flatMap((line, index) => [
      ...[...get(line), ...get(pixels), ...vectorAt('store32Lane', 0, index)],
    ]),
    ...[...advance(starts, 4), ...advance(into, 3), ...whileLeft(targets)],
  ];
  return { parameters: 8, words: 5, vectors: 12, body };
}

/** Each line's address from the one before. */
const addresses = (lines: readonly number[], stride: number): number[] =>
  lines
    .slice(1)
    .flatMap((line, index) => [...get(lines[index]!), ...get(stride), op.i32Add, ...set(line)]);

/** Of two vectors of bytes, eight pairs from the given byte on. */
const interleave = (first: number): number[] =>
  vector(
    'i8x16Shuffle',
    ...Array.from({ length: 16 }, (_, at) => first + (at >> 1) + (at % 2) * 16),
  );

function alongColumns() {
  const [from, stride, weights, pairs, into, vectors] = [0, 1, 2, 3, 4, 5];
  const [line, weight, left] = [6, 7, 8];
  const sums = sumsFrom(9, 4);
  const weightsOfPair = { lower: 17, upper: 18 };
  const [above, below, mixed, values] = [19, 20, 21, 22];
  const addHalf = (half: number): number[] => [
    ...[...get(above), ...get(below), ...interleave(half * 8), ...tee(mixed)],
    ...[...vector('i16x8ExtendLowU8'), ...set(values)],
    ...addProducts(sums[half * 2]!, values, weightsOfPair),
    ...[...get(mixed), ...vector('i16x8ExtendHighU8'), ...set(values)],
    ...addProducts(sums[half * 2 + 1]!, values, weightsOfPair),
  ];
  const nextLine = [...get(line), ...get(stride), op.i32Add];
  const body = [
    ...[op.loop, NO_RESULT],
    ...[...get(from), ...set(line), ...get(weights), ...set(weight), ...get(pairs), ...set(left)],
    ...clear(sums),
    ...[op.loop, NO_RESULT],
    ...loadPairs(weight, weightsOfPair),
    ...[...get(line), ...vectorAt('load'), ...set(above)],
    ...[...nextLine, ...tee(line), ...vectorAt('load'), ...set(below), ...nextLine, ...set(line)],
    ...[...addHalf(0), ...addHalf(1), ...advance(weight, PAIR_BYTES), ...whileLeft(left)],
    ...[...get(into), ...asBytes(sums), ...vectorAt('store')],
    ...[...advance(from, VALUES_AT_ONCE), ...advance(into, VALUES_AT_ONCE), ...whileLeft(vectors)],
  ];
  return { parameters: 6, words: 3, vectors: 14, body };
}
