/**
 * Pillow's bilinear resize, bit for bit. Two source pixels at a time: one instruction multiplies eight
 * values of 16 bits and adds neighbours, so a weight of up to 23 bits is split into its lower 15 bits and
 * its upper bits, whose sums are kept apart. All addresses are in bytes.
 */

const WEIGHT_BITS: i32 = 22;
const LOWER_BITS: i32 = 15;
/** Sums begin with it, so that cutting off the weight's bits rounds. */
const HALF: i32 = 1 << (WEIGHT_BITS - 1);
/** Bytes of two weights: both lower parts, then both upper parts, as int16. */
const PAIR: usize = 8;

/**
 * Scales four lines at `from`, `stride` bytes apart, to `targets` pixels each.
 *   starts   for each target, bytes from the start of a line to its first source pixel, int32
 *   weights  for each target, `pairs` pairs of weights
 */
export function alongRows(
  from: usize,
  stride: usize,
  starts: usize,
  weights: usize,
  pairs: i32,
  into: usize,
  intoStride: usize,
  targets: i32,
): void {
  // Of two pixels of three bytes: red and red, green and green, blue and blue, as int16.
  let half = i32x4.splat(HALF);
  let paired = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  do {
    let line0 = from + load<u32>(starts);
    let line1 = line0 + stride;
    let line2 = line1 + stride;
    let line3 = line2 + stride;
    let lower0 = half;
    let upper0 = i32x4.splat(0);
    let lower1 = half;
    let upper1 = i32x4.splat(0);
    let lower2 = half;
    let upper2 = i32x4.splat(0);
    let lower3 = half;
    let upper3 = i32x4.splat(0);
    let left = pairs;
    do {
      const lower = v128.load32_splat(weights);
      const upper = v128.load32_splat(weights, 4);
      // The last two of the eight bytes belong to the next pixel, and are left out.
      let pixels = i8x16.swizzle(v128.load64_zero(line0), paired);
      lower0 = i32x4.add(lower0, i32x4.dot_i16x8_s(pixels, lower));
      upper0 = i32x4.add(upper0, i32x4.dot_i16x8_s(pixels, upper));
      line0 += 6;
      pixels = i8x16.swizzle(v128.load64_zero(line1), paired);
      lower1 = i32x4.add(lower1, i32x4.dot_i16x8_s(pixels, lower));
      upper1 = i32x4.add(upper1, i32x4.dot_i16x8_s(pixels, upper));
      line1 += 6;
      pixels = i8x16.swizzle(v128.load64_zero(line2), paired);
      lower2 = i32x4.add(lower2, i32x4.dot_i16x8_s(pixels, lower));
      upper2 = i32x4.add(upper2, i32x4.dot_i16x8_s(pixels, upper));
      line2 += 6;
      pixels = i8x16.swizzle(v128.load64_zero(line3), paired);
      lower3 = i32x4.add(lower3, i32x4.dot_i16x8_s(pixels, lower));
      upper3 = i32x4.add(upper3, i32x4.dot_i16x8_s(pixels, upper));
      line3 += 6;
      weights += PAIR;
    } while (--left);
    const bytes = asBytes(lower0, upper0, lower1, upper1, lower2, upper2, lower3, upper3);
    // Each pixel's fourth byte is overwritten by the next pixel.
    let to = into;
    v128.store32_lane(to, bytes, 0);
    to += intoStride;
    v128.store32_lane(to, bytes, 1);
    to += intoStride;
    v128.store32_lane(to, bytes, 2);
    to += intoStride;
    v128.store32_lane(to, bytes, 3);
    starts += 4;
    into += 3;
  } while (--targets);
}

/** Scales the lines from `from` on, `stride` bytes apart, to one line of `vectors` times 16 values. */
export function alongColumns(
  from: usize,
  stride: usize,
  weights: usize,
  pairs: i32,
  into: usize,
  vectors: i32,
): void {
  let half = i32x4.splat(HALF);
  do {
    let line = from;
    let weight = weights;
    let lower0 = half;
    let upper0 = i32x4.splat(0);
    let lower1 = half;
    let upper1 = i32x4.splat(0);
    let lower2 = half;
    let upper2 = i32x4.splat(0);
    let lower3 = half;
    let upper3 = i32x4.splat(0);
    let left = pairs;
    do {
      const lower = v128.load32_splat(weight);
      const upper = v128.load32_splat(weight, 4);
      const above = v128.load(line);
      line += stride;
      const below = v128.load(line);
      line += stride;
      // Values of both lines in turns: the first eight of each, then the last eight.
      let mixed = i8x16.shuffle(above, below, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      let values = i16x8.extend_low_i8x16_u(mixed);
      lower0 = i32x4.add(lower0, i32x4.dot_i16x8_s(values, lower));
      upper0 = i32x4.add(upper0, i32x4.dot_i16x8_s(values, upper));
      values = i16x8.extend_high_i8x16_u(mixed);
      lower1 = i32x4.add(lower1, i32x4.dot_i16x8_s(values, lower));
      upper1 = i32x4.add(upper1, i32x4.dot_i16x8_s(values, upper));
      mixed = i8x16.shuffle(above, below, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      values = i16x8.extend_low_i8x16_u(mixed);
      lower2 = i32x4.add(lower2, i32x4.dot_i16x8_s(values, lower));
      upper2 = i32x4.add(upper2, i32x4.dot_i16x8_s(values, upper));
      values = i16x8.extend_high_i8x16_u(mixed);
      lower3 = i32x4.add(lower3, i32x4.dot_i16x8_s(values, lower));
      upper3 = i32x4.add(upper3, i32x4.dot_i16x8_s(values, upper));
      weight += PAIR;
    } while (--left);
    v128.store(into, asBytes(lower0, upper0, lower1, upper1, lower2, upper2, lower3, upper3));
    from += 16;
    into += 16;
  } while (--vectors);
}

/** Rounds four times four sums and clips them to bytes. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function asBytes(
  lower0: v128,
  upper0: v128,
  lower1: v128,
  upper1: v128,
  lower2: v128,
  upper2: v128,
  lower3: v128,
  upper3: v128,
): v128 {
  const first = i16x8.narrow_i32x4_s(rounded(lower0, upper0), rounded(lower1, upper1));
  const last = i16x8.narrow_i32x4_s(rounded(lower2, upper2), rounded(lower3, upper3));
  return i8x16.narrow_i16x8_u(first, last);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function rounded(lower: v128, upper: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.shl(upper, LOWER_BITS), lower), WEIGHT_BITS);
}
