/**
 * Dot products of one vector with many rows of int8, eight values an instruction: plain JavaScript takes
 * ten times as long. Knows nothing of people and distances.
 */
import {
  advance,
  get,
  i32,
  instantiate,
  NO_RESULT,
  op,
  PAGE_BYTES,
  set,
  tee,
  vector,
  vectorAt,
  wordAt,
} from '../simd/assembler.ts';

/** Values that one instruction multiplies. */
const LANES = 8;
/** What 32-bit addresses reach. */
const MOST_PAGES = 65536;

export interface Int8Products {
  /** [count, length], to be filled; not -128 */
  readonly rows: Int8Array;
  /** [length], to be filled before `multiply`; not -32768 */
  readonly vector: Int16Array;
  /** [count]: exact, since 512 · 127 · 32767 fits into 32 bits */
  readonly products: Int32Array;
  /** Sets `products` to the product of each row with the vector. */
  multiply(): void;
}

/** More could not be summed exactly in 32 bits. */
const LONGEST_ROW = 512;

/**
 * @param length of the vector and of each row
 * @returns undefined where there is no SIMD or not so much memory, or rows of this length do not fit
 */
export function openInt8Products(count: number, length: number): Int8Products | undefined {
  if (length % LANES !== 0 || length > LONGEST_ROW) return undefined;
  // The vector lies at address 0, as int16; the rows follow it, the products follow the rows.
  const rowsAt = length * 2;
  const productsAt = rowsAt + count * length;
  const pages = Math.ceil((productsAt + count * 4) / PAGE_BYTES);
  if (pages > MOST_PAGES) return undefined;
  const opened = instantiate(
    { loop: { parameters: 3, vectors: 1, body: loopBody(length) } },
    pages,
  );
  if (opened === undefined) return undefined;
  const {
    memory: { buffer },
    functions: { loop },
  } = opened;
  return {
    rows: new Int8Array(buffer, rowsAt, count * length),
    vector: new Int16Array(buffer, 0, length),
    products: new Int32Array(buffer, productsAt, count),
    multiply() {
      // In pieces: code that is entered often is compiled with all optimisations, here within one pass.
      for (let row = 0; row < count; row += ROWS_A_CALL) {
        const end = Math.min(count, row + ROWS_A_CALL);
        loop(rowsAt + row * length, rowsAt + end * length, productsAt + row * 4);
      }
    },
  };
}

const ROWS_A_CALL = 1024;

/** (row, end, product): addresses of the first row, of the end of the last, and of the first product. */
function loopBody(length: number): number[] {
  const [row, end, product, sums] = [0, 1, 2, 3];
  /** Eight int8 widened to int16, times eight int16, neighbours added: four int32. */
  const eight = (at: number): number[] => [
    ...[...get(row), ...vectorAt('load8x8Signed', at)],
    ...[...i32(0), ...vectorAt('load', at * 2)],
    ...vector('i32x4DotI16x8'),
  ];
  const lane = (index: number): number[] => [...get(sums), ...vector('i32x4ExtractLane', index)];
  const steps = Array.from({ length: length / LANES }, (_, step) => step * LANES);
  return [
    ...[op.loop, NO_RESULT],
    ...steps.flatMap((at) => (at === 0 ? eight(at) : [...eight(at), ...vector('i32x4Add')])),
    ...set(sums),
    ...get(product),
    ...[...lane(0), ...lane(1), op.i32Add, ...lane(2), op.i32Add, ...lane(3), op.i32Add],
    ...wordAt(op.i32Store),
    ...advance(product, 4),
    ...[...get(row), ...i32(length), op.i32Add, ...tee(row)],
    ...[...get(end), op.i32LessUnsigned, op.brIf, 0],
    op.end,
  ];
}
