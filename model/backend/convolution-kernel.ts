/**
 * The loop of a convolution in WebAssembly: six pixels of eight channels at once, fifteen vectors, as many
 * as V8 gives out on x86. It multiplies and adds in one instruction, which the modules of TensorFlow.js,
 * made before WebAssembly had it, do in two. Knows no tensor.
 */
import {
  advance,
  get,
  i32,
  instantiate,
  NO_RESULT,
  op,
  type SimdMemory,
  type SmallFunction,
  set,
  vector,
  vectorAt,
  whileLeft,
  wordAt,
} from '../simd/assembler.ts';

/** Pixels of a tile. */
export const PIXELS = 6;
/** Output channels of one call, and their bytes. */
export const CHANNELS = 8;
export const CHANNEL_BYTES = CHANNELS * 4;
/** Input channels of one turn. */
export const INPUTS = 4;

/**
 * All addresses in bytes.
 * @param inputs of each tile, tap and pixel the address of its first input channel
 * @param quads input channels by four
 * @param filter [taps, input channels, 8] of the eight output channels
 * @param outputs of each tile and pixel the address of its first output channel
 * @param offset of the eight in an output pixel
 */
export type Convolve = (
  inputs: number,
  tiles: number,
  taps: number,
  quads: number,
  filter: number,
  bias: number,
  outputs: number,
  offset: number,
) => void;

/** @returns undefined where WebAssembly does not multiply and add in one instruction */
export function openConvolve(memory: SimdMemory): { linear: Convolve; relu: Convolve } | undefined {
  const opened = instantiate({ linear: convolve(false), relu: convolve(true) }, memory);
  return opened?.functions;
}

const pixels = Array.from({ length: PIXELS }, (_, index) => index);
const copy = (from: number, to: number): number[] => [...get(from), ...set(to)];

function convolve(relu: boolean): SmallFunction {
  const [inputs, tiles, taps, quads, filter, bias, outputs, offset] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [tapsLeft, quadsLeft, weights] = [8, 9, 10];
  const address = (pixel: number): number => 11 + pixel;
  /** Of a pixel the lower or the upper four channels. */
  const sum = (pixel: number, half: number): number => 17 + pixel * 2 + half;
  const [lower, upper, value] = [29, 30, 31];
  const inputChannel = (channel: number): number[] => [
    ...[...get(weights), ...vectorAt('load', channel * CHANNEL_BYTES), ...set(lower)],
    ...[...get(weights), ...vectorAt('load', channel * CHANNEL_BYTES + 16), ...set(upper)],
    ...pixels.flatMap((pixel) => [
      ...[...get(address(pixel)), ...vectorAt('load32Splat', channel * 4), ...set(value)],
      ...[lower, upper].flatMap((weight, half) => [
        ...[...get(value), ...get(weight), ...get(sum(pixel, half))],
        ...[...vector('f32x4MultiplyAdd'), ...set(sum(pixel, half))],
      ]),
    ]),
  ];
  const body = [
    ...[op.loop, NO_RESULT],
    ...pixels.flatMap((pixel) => [
      ...[...get(bias), ...vectorAt('load'), ...set(sum(pixel, 0))],
      ...[...get(bias), ...vectorAt('load', 16), ...set(sum(pixel, 1))],
    ]),
    ...[...copy(filter, weights), ...copy(taps, tapsLeft)],
    ...[op.loop, NO_RESULT],
    ...pixels.flatMap((pixel) => [
      ...[...get(inputs), ...wordAt(op.i32Load, pixel * 4), ...set(address(pixel))],
    ]),
    ...[...advance(inputs, PIXELS * 4), ...copy(quads, quadsLeft)],
    ...[op.loop, NO_RESULT],
    ...Array.from({ length: INPUTS }, (_, channel) => inputChannel(channel)).flat(),
    ...pixels.flatMap((pixel) => advance(address(pixel), INPUTS * 4)),
    ...advance(weights, INPUTS * CHANNEL_BYTES),
    ...whileLeft(quadsLeft),
    ...whileLeft(tapsLeft),
    ...pixels.flatMap((pixel) => [
      ...[...get(outputs), ...wordAt(op.i32Load, pixel * 4), ...get(offset), op.i32Add],
      ...set(address(pixel)),
      ...[0, 1].flatMap((half) => [
        ...[...get(address(pixel)), ...get(sum(pixel, half))],
        ...(relu ? [...i32(0), ...vector('i32x4Splat'), ...vector('f32x4Max')] : []),
        ...vectorAt('store', half * 16),
      ]),
    ]),
    ...advance(outputs, PIXELS * 4),
    ...whileLeft(tiles),
  ];
  return { parameters: 8, words: 9, vectors: 15, body };
}
