/**
 * A gallery's rows in half bytes: bounding squared distances from the upper halves, and exact products from
 * both. A column of 32 values is 16 bytes of upper halves and 16 of lower ones; of byte j, the
 * lower half is value j, the upper one value 16 + j. Rows are of 128 values or a multiple of that. All
 * addresses are in bytes.
 */

export { losses, measure, pack } from './half-bytes-packing';

/** Bytes of a chunk's float32 column: 1,024 rows. */
const CHUNK_COLUMN: usize = 4096;
/** Rows of a chunk, as a shift and as a mask. */
const CHUNK_SHIFT: u32 = 10;
const IN_CHUNK: u32 = 1023;

/**
 * Writes to `bounds` what the squared distance of each row from `row` up to `end`, four or a multiple of
 * that, is at least: constant + square·|b|² + length·|b| + s·(product·u + scale) + loss·ρ, where u is the
 * product of the row's upper halves with `query` and the factors are float32 at `factors`, in this order.
 * @param columns s, |b|² and ρ of the first row, in columns of the chunk
 * @returns the least of the bounds; NaN when one is
 */
export function bound(
  row: usize,
  end: usize,
  rowBytes: usize,
  columns: usize,
  bounds: usize,
  query: usize,
  factors: usize,
): f32 {
  let least = f32x4.splat(Infinity);
  const mask = i8x16.splat(0x0f);
  const constant = v128.load32_splat(factors);
  const square = v128.load32_splat(factors, 4);
  const length = v128.load32_splat(factors, 8);
  const product = v128.load32_splat(factors, 12);
  const scale = v128.load32_splat(factors, 16);
  const loss = v128.load32_splat(factors, 20);
  do {
    let r0 = row;
    let q = query;
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    const end0 = row + rowBytes;
    do {
      // Four columns of four rows: 16 products of bytes fit into 16 bits.
      const r1 = r0 + rowBytes;
      const r2 = r1 + rowBytes;
      const r3 = r2 + rowBytes;
      let first = v128.load(q);
      let second = v128.load(q, 16);
      let a0 = halves(v128.load(r0), first, second, mask);
      let a1 = halves(v128.load(r1), first, second, mask);
      let a2 = halves(v128.load(r2), first, second, mask);
      let a3 = halves(v128.load(r3), first, second, mask);
      first = v128.load(q, 32);
      second = v128.load(q, 48);
      a0 = i16x8.add(a0, halves(v128.load(r0, 16), first, second, mask));
      a1 = i16x8.add(a1, halves(v128.load(r1, 16), first, second, mask));
      a2 = i16x8.add(a2, halves(v128.load(r2, 16), first, second, mask));
      a3 = i16x8.add(a3, halves(v128.load(r3, 16), first, second, mask));
      first = v128.load(q, 64);
      second = v128.load(q, 80);
      a0 = i16x8.add(a0, halves(v128.load(r0, 32), first, second, mask));
      a1 = i16x8.add(a1, halves(v128.load(r1, 32), first, second, mask));
      a2 = i16x8.add(a2, halves(v128.load(r2, 32), first, second, mask));
      a3 = i16x8.add(a3, halves(v128.load(r3, 32), first, second, mask));
      first = v128.load(q, 96);
      second = v128.load(q, 112);
      a0 = i16x8.add(a0, halves(v128.load(r0, 48), first, second, mask));
      a1 = i16x8.add(a1, halves(v128.load(r1, 48), first, second, mask));
      a2 = i16x8.add(a2, halves(v128.load(r2, 48), first, second, mask));
      a3 = i16x8.add(a3, halves(v128.load(r3, 48), first, second, mask));
      s0 = i32x4.add(s0, i32x4.extadd_pairwise_i16x8_s(a0));
      s1 = i32x4.add(s1, i32x4.extadd_pairwise_i16x8_s(a1));
      s2 = i32x4.add(s2, i32x4.extadd_pairwise_i16x8_s(a2));
      s3 = i32x4.add(s3, i32x4.extadd_pairwise_i16x8_s(a3));
      r0 += 64;
      q += 128;
    } while (r0 < end0);
    const u = f32x4.convert_i32x4_s(sumsOf(s0, s1, s2, s3));
    const squares = v128.load(columns, CHUNK_COLUMN);
    let sum = f32x4.add(f32x4.mul(u, product), scale);
    sum = f32x4.mul(sum, v128.load(columns));
    sum = f32x4.add(sum, f32x4.mul(squares, square));
    sum = f32x4.add(sum, f32x4.mul(f32x4.sqrt(squares), length));
    sum = f32x4.add(sum, f32x4.mul(v128.load(columns, CHUNK_COLUMN * 2), loss));
    sum = f32x4.add(sum, constant);
    v128.store(bounds, sum);
    least = f32x4.min(least, sum);
    row += rowBytes * 4;
    columns += 16;
    bounds += 16;
  } while (row < end);
  return min(
    min(f32x4.extract_lane(least, 0), f32x4.extract_lane(least, 1)),
    min(f32x4.extract_lane(least, 2), f32x4.extract_lane(least, 3)),
  );
}

/**
 * Writes to `list` the numbers of the rows whose bound, from `bounds` up to `end`, is not above the limit.
 * @param row number of the first one
 * @returns where the list ends
 */
export function below(bounds: usize, end: usize, row: u32, limit: f32, list: usize): usize {
  const limits = f32x4.splat(limit);
  do {
    // NaN is above nothing.
    const above = i32x4.bitmask(f32x4.gt(v128.load(bounds), limits));
    if (above !== 15) {
      // Written in any case, and counted where it is below: no branch is guessed.
      store<u32>(list, row);
      list += <usize>((~above & 1) << 2);
      store<u32>(list, row + 1);
      list += <usize>((~above & 2) << 1);
      store<u32>(list, row + 2);
      list += <usize>(~above & 4);
      store<u32>(list, row + 3);
      list += <usize>((~above & 8) >> 1);
    }
    bounds += 16;
    row += 4;
  } while (bounds < end);
  return list;
}

/**
 * Leaves of the rows in the list, from `entry` up to `end`, those that both halves of their bytes do not rule out.
 * The factors are float64: |a|², |a|, the share that rounding leaves, twice the query's scales, what is added to
 * the two products, and what the query's bytes leave out, without and with the fine ones.
 * @param chunks where the chunks begin
 * @returns where the list ends
 */
export function narrow(
  entry: usize,
  end: usize,
  chunks: usize,
  rowBytes: usize,
  whole: usize,
  fine: usize,
  factors: usize,
  limit: f64,
): usize {
  const mask = i8x16.splat(0x0f);
  const own = load<f64>(factors);
  const length = load<f64>(factors, 8);
  const share = load<f64>(factors, 16);
  const scale = load<f64>(factors, 24);
  const fineScale = load<f64>(factors, 32);
  const middle = load<f64>(factors, 40);
  const fineMiddle = load<f64>(factors, 48);
  const wholeLoss = load<f64>(factors, 56);
  const loss = load<f64>(factors, 64);
  const lower = rowBytes << CHUNK_SHIFT;
  const chunkBytes = 2 * lower + 4 * CHUNK_COLUMN;
  let kept = entry;
  while (entry < end) {
    const row = load<u32>(entry);
    const chunk = chunks + <usize>(row >> CHUNK_SHIFT) * chunkBytes;
    const inChunk = <usize>(row & IN_CHUNK);
    const at = chunk + inChunk * rowBytes;
    const column = chunk + 2 * lower + 4 * inChunk;
    const square = <f64>load<f32>(column, CHUNK_COLUMN);
    const left = <f64>load<f32>(column, 3 * CHUNK_COLUMN);
    const rowScale = <f64>load<f32>(column);
    // The product with the bytes and its error, twice, off |a|² + |b|².
    const known = (own + square) * share - 2 * length * left;
    const reach = 2 * (sqrt(square) + left);
    const sum = <f64>bytesProduct(at, rowBytes, lower, whole, mask) + middle;
    let product = rowScale * scale * sum;
    if (!(known - product - reach * wholeLoss > limit)) {
      const fineSum = <f64>bytesProduct(at, rowBytes, lower, fine, mask) + fineMiddle;
      product += rowScale * fineScale * fineSum;
      if (!(known - product - reach * loss > limit)) {
        store<u32>(kept, row);
        kept += 4;
      }
    }
    entry += 4;
  }
  return kept;
}

/**
 * Writes the products of rows' bytes with two vectors, two int32 a row. The addresses of the rows' upper
 * halves lie from `entry` up to `end`; their lower ones are `lower` further.
 */
export function products(
  entry: usize,
  end: usize,
  rowBytes: usize,
  lower: usize,
  product: usize,
  whole: usize,
  fine: usize,
): void {
  const mask = i8x16.splat(0x0f);
  do {
    const row = <usize>load<u32>(entry);
    store<i32>(product, bytesProduct(row, rowBytes, lower, whole, mask));
    store<i32>(product, bytesProduct(row, rowBytes, lower, fine, mask), 4);
    entry += 4;
    product += 8;
  } while (entry < end);
}

/** Products of 32 half bytes with the values of two vectors, neighbours added. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function halves(bytes: v128, first: v128, second: v128, mask: v128): v128 {
  return i16x8.add(
    i16x8.relaxed_dot_i8x16_i7x16_s(first, v128.and(bytes, mask)),
    i16x8.relaxed_dot_i8x16_i7x16_s(second, v128.and(i16x8.shr_u(bytes, 4), mask)),
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function bytesProduct(row: usize, rowBytes: usize, lower: usize, query: usize, mask: v128): i32 {
  let upperSum = i32x4.splat(0);
  let lowerSum = upperSum;
  let q = query;
  const end = row + rowBytes;
  do {
    upperSum = i32x4.add(upperSum, fourColumns(row, q, mask));
    lowerSum = i32x4.add(lowerSum, fourColumns(row + lower, q, mask));
    row += 64;
    q += 128;
  } while (row < end);
  const sums = i32x4.add(i32x4.shl(upperSum, 4), lowerSum);
  return i32x4.extract_lane(sumsOf(sums, sums, sums, sums), 0);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function fourColumns(at: usize, q: usize, mask: v128): v128 {
  let sums = halves(v128.load(at), v128.load(q), v128.load(q, 16), mask);
  sums = i16x8.add(sums, halves(v128.load(at, 16), v128.load(q, 32), v128.load(q, 48), mask));
  sums = i16x8.add(sums, halves(v128.load(at, 32), v128.load(q, 64), v128.load(q, 80), mask));
  sums = i16x8.add(sums, halves(v128.load(at, 48), v128.load(q, 96), v128.load(q, 112), mask));
  return i32x4.extadd_pairwise_i16x8_s(sums);
}

/** The sum of each of four vectors. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function sumsOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return i32x4.add(i32x4.shuffle(ab, cd, 0, 1, 4, 5), i32x4.shuffle(ab, cd, 2, 3, 6, 7));
}
