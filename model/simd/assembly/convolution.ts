/**
 * The loop of a convolution: six pixels of eight channels at a time, which with the two weights and the
 * value take fifteen vectors, as many as V8 has on x86. It multiplies and adds in one instruction (relaxed
 * SIMD), which the modules of TensorFlow.js do in two.
 *
 * All addresses are in bytes.
 *   inputs   for each tile, tap and pixel, the address of its first input channel
 *   quads    number of input channels / 4
 *   filter   [taps, input channels, 8] of the eight output channels
 *   bias     of the eight output channels
 *   outputs  for each tile and pixel, the address of its first output channel
 *   offset   of the eight channels in an output pixel
 */
export function linear(
  inputs: usize,
  tiles: i32,
  taps: i32,
  quads: i32,
  filter: usize,
  bias: usize,
  outputs: usize,
  offset: usize,
): void {
  convolve(false, inputs, tiles, taps, quads, filter, bias, outputs, offset);
}

/** The same, with negative results set to 0. */
export function relu(
  inputs: usize,
  tiles: i32,
  taps: i32,
  quads: i32,
  filter: usize,
  bias: usize,
  outputs: usize,
  offset: usize,
): void {
  convolve(true, inputs, tiles, taps, quads, filter, bias, outputs, offset);
}

/** Pixels of a tile; input channels of a turn. The loop below is written out for these. */
const PIXELS: usize = 6;
const CHANNELS: usize = 4;
/** Bytes of eight weights. */
const ROW: usize = 32;

// @ts-ignore: a decorator of AssemblyScript
@inline
function convolve(
  isRelu: bool,
  inputs: usize,
  tiles: i32,
  taps: i32,
  quads: i32,
  filter: usize,
  bias: usize,
  outputs: usize,
  offset: usize,
): void {
  do {
    // Sums of pixel 0 to 5: `low` of the first four channels, `high` of the last four.
    let low0 = v128.load(bias);
    let high0 = v128.load(bias, 16);
    let low1 = v128.load(bias);
    let high1 = v128.load(bias, 16);
    let low2 = v128.load(bias);
    let high2 = v128.load(bias, 16);
    let low3 = v128.load(bias);
    let high3 = v128.load(bias, 16);
    let low4 = v128.load(bias);
    let high4 = v128.load(bias, 16);
    let low5 = v128.load(bias);
    let high5 = v128.load(bias, 16);
    let weights = filter;
    let tap = taps;
    do {
      let pixel0: usize = load<u32>(inputs);
      let pixel1: usize = load<u32>(inputs, 4);
      let pixel2: usize = load<u32>(inputs, 8);
      let pixel3: usize = load<u32>(inputs, 12);
      let pixel4: usize = load<u32>(inputs, 16);
      let pixel5: usize = load<u32>(inputs, 20);
      inputs += PIXELS * 4;
      let quad = quads;
      do {
        let low = v128.load(weights);
        let high = v128.load(weights, 16);
        let value = v128.load32_splat(pixel0);
        low0 = f32x4.relaxed_madd(value, low, low0);
        high0 = f32x4.relaxed_madd(value, high, high0);
        value = v128.load32_splat(pixel1);
        low1 = f32x4.relaxed_madd(value, low, low1);
        high1 = f32x4.relaxed_madd(value, high, high1);
        value = v128.load32_splat(pixel2);
        low2 = f32x4.relaxed_madd(value, low, low2);
        high2 = f32x4.relaxed_madd(value, high, high2);
        value = v128.load32_splat(pixel3);
        low3 = f32x4.relaxed_madd(value, low, low3);
        high3 = f32x4.relaxed_madd(value, high, high3);
        value = v128.load32_splat(pixel4);
        low4 = f32x4.relaxed_madd(value, low, low4);
        high4 = f32x4.relaxed_madd(value, high, high4);
        value = v128.load32_splat(pixel5);
        low5 = f32x4.relaxed_madd(value, low, low5);
        high5 = f32x4.relaxed_madd(value, high, high5);
        low = v128.load(weights, 1 * ROW);
        high = v128.load(weights, 1 * ROW + 16);
        value = v128.load32_splat(pixel0, 4);
        low0 = f32x4.relaxed_madd(value, low, low0);
        high0 = f32x4.relaxed_madd(value, high, high0);
        value = v128.load32_splat(pixel1, 4);
        low1 = f32x4.relaxed_madd(value, low, low1);
        high1 = f32x4.relaxed_madd(value, high, high1);
        value = v128.load32_splat(pixel2, 4);
        low2 = f32x4.relaxed_madd(value, low, low2);
        high2 = f32x4.relaxed_madd(value, high, high2);
        value = v128.load32_splat(pixel3, 4);
        low3 = f32x4.relaxed_madd(value, low, low3);
        high3 = f32x4.relaxed_madd(value, high, high3);
        value = v128.load32_splat(pixel4, 4);
        low4 = f32x4.relaxed_madd(value, low, low4);
        high4 = f32x4.relaxed_madd(value, high, high4);
        value = v128.load32_splat(pixel5, 4);
        low5 = f32x4.relaxed_madd(value, low, low5);
        high5 = f32x4.relaxed_madd(value, high, high5);
        low = v128.load(weights, 2 * ROW);
        high = v128.load(weights, 2 * ROW + 16);
        value = v128.load32_splat(pixel0, 8);
        low0 = f32x4.relaxed_madd(value, low, low0);
        high0 = f32x4.relaxed_madd(value, high, high0);
        value = v128.load32_splat(pixel1, 8);
        low1 = f32x4.relaxed_madd(value, low, low1);
        high1 = f32x4.relaxed_madd(value, high, high1);
        value = v128.load32_splat(pixel2, 8);
        low2 = f32x4.relaxed_madd(value, low, low2);
        high2 = f32x4.relaxed_madd(value, high, high2);
        value = v128.load32_splat(pixel3, 8);
        low3 = f32x4.relaxed_madd(value, low, low3);
        high3 = f32x4.relaxed_madd(value, high, high3);
        value = v128.load32_splat(pixel4, 8);
        low4 = f32x4.relaxed_madd(value, low, low4);
        high4 = f32x4.relaxed_madd(value, high, high4);
        value = v128.load32_splat(pixel5, 8);
        low5 = f32x4.relaxed_madd(value, low, low5);
        high5 = f32x4.relaxed_madd(value, high, high5);
        low = v128.load(weights, 3 * ROW);
        high = v128.load(weights, 3 * ROW + 16);
        value = v128.load32_splat(pixel0, 12);
        low0 = f32x4.relaxed_madd(value, low, low0);
        high0 = f32x4.relaxed_madd(value, high, high0);
        value = v128.load32_splat(pixel1, 12);
        low1 = f32x4.relaxed_madd(value, low, low1);
        high1 = f32x4.relaxed_madd(value, high, high1);
        value = v128.load32_splat(pixel2, 12);
        low2 = f32x4.relaxed_madd(value, low, low2);
        high2 = f32x4.relaxed_madd(value, high, high2);
        value = v128.load32_splat(pixel3, 12);
        low3 = f32x4.relaxed_madd(value, low, low3);
        high3 = f32x4.relaxed_madd(value, high, high3);
        value = v128.load32_splat(pixel4, 12);
        low4 = f32x4.relaxed_madd(value, low, low4);
        high4 = f32x4.relaxed_madd(value, high, high4);
        value = v128.load32_splat(pixel5, 12);
        low5 = f32x4.relaxed_madd(value, low, low5);
        high5 = f32x4.relaxed_madd(value, high, high5);
        pixel0 += CHANNELS * 4;
        pixel1 += CHANNELS * 4;
        pixel2 += CHANNELS * 4;
        pixel3 += CHANNELS * 4;
        pixel4 += CHANNELS * 4;
        pixel5 += CHANNELS * 4;
        weights += CHANNELS * ROW;
      } while (--quad);
    } while (--tap);
    write(isRelu, <usize>load<u32>(outputs) + offset, low0, high0);
    write(isRelu, <usize>load<u32>(outputs, 4) + offset, low1, high1);
    write(isRelu, <usize>load<u32>(outputs, 8) + offset, low2, high2);
    write(isRelu, <usize>load<u32>(outputs, 12) + offset, low3, high3);
    write(isRelu, <usize>load<u32>(outputs, 16) + offset, low4, high4);
    write(isRelu, <usize>load<u32>(outputs, 20) + offset, low5, high5);
    outputs += PIXELS * 4;
  } while (--tiles);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function write(isRelu: bool, to: usize, low: v128, high: v128): void {
  if (isRelu) {
    low = f32x4.max(low, f32x4.splat(0));
    high = f32x4.max(high, f32x4.splat(0));
  }
  v128.store(to, low);
  v128.store(to, high, 16);
}
