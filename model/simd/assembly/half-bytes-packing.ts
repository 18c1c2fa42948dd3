/**
 * Packs float32 rows into half bytes, in the order that half-bytes.ts reads. All addresses are in bytes.
 */

/**
 * Writes of the float32 row from `from` up to `end` the largest value and the sum of the squares: four each,
 * of every fourth value.
 */
export function measure(from: usize, end: usize, out: usize): void {
  let largest = f32x4.splat(0);
  let squares = largest;
  do {
    const value = v128.load(from);
    largest = f32x4.max(largest, f32x4.abs(value));
    squares = f32x4.add(squares, f32x4.mul(value, value));
    from += 16;
  } while (from < end);
  v128.store(out, largest);
  v128.store(out, squares, 16);
}

/**
 * Writes the halves of the bytes of a float32 row: 128 + its values times `factor`, rounded.
 */
export function pack(from: usize, end: usize, upper: usize, lower: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  const low = i8x16.splat(0x0f);
  const high = i8x16.splat(<i8>0xf0);
  do {
    const first = sixteenBytes(from, factors);
    const second = sixteenBytes(from + 64, factors);
    v128.store(upper, v128.or(v128.and(i16x8.shr_u(first, 4), low), v128.and(second, high)));
    v128.store(lower, v128.or(v128.and(first, low), v128.and(i16x8.shl(second, 4), high)));
    from += 128;
    upper += 16;
    lower += 16;
  } while (from < end);
}

/**
 * Writes the sums of the squares of what a float32 row's upper halves leave out, and its bytes: four each.
 * @param scale of the bytes less 128, or of 16 times the upper halves less 120.5
 */
export function losses(from: usize, end: usize, out: usize, factor: f32, scale: f32): void {
  const factors = f32x4.splat(factor);
  const scales = f32x4.splat(scale);
  const middle = f32x4.splat(-128);
  const upperMiddle = f32x4.splat(-120.5);
  const upperBits = i32x4.splat(0xf0);
  let sums = f32x4.splat(0);
  let upperSums = sums;
  do {
    const value = v128.load(from);
    const words = fourWords(from, factors);
    const bytes = f32x4.add(f32x4.convert_i32x4_s(words), middle);
    const left = f32x4.sub(value, f32x4.mul(bytes, scales));
    sums = f32x4.add(sums, f32x4.mul(left, left));
    const upper = f32x4.add(f32x4.convert_i32x4_s(v128.and(words, upperBits)), upperMiddle);
    const upperLeft = f32x4.sub(value, f32x4.mul(upper, scales));
    upperSums = f32x4.add(upperSums, f32x4.mul(upperLeft, upperLeft));
    from += 16;
  } while (from < end);
  v128.store(out, upperSums);
  v128.store(out, sums, 16);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function sixteenBytes(from: usize, factors: v128): v128 {
  return i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(fourWords(from, factors), fourWords(from + 16, factors)),
    i16x8.narrow_i32x4_s(fourWords(from + 32, factors), fourWords(from + 48, factors)),
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function fourWords(from: usize, factors: v128): v128 {
  const whole = f32x4.nearest(f32x4.mul(v128.load(from), factors));
  return i32x4.add(i32x4.trunc_sat_f32x4_s(whole), i32x4.splat(128));
}
