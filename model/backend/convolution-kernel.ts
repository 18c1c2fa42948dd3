/**
 * The loop of a convolution (model/simd/assembly/convolution.ts): six pixels of eight channels at a time,
 * multiplied and added in one instruction. Works on addresses, not on tensors.
 */
import { type KernelMemory, openKernel } from '../simd/kernels.ts';

/** Pixels of a tile. */
export const PIXELS = 6;
/** Output channels of one call, and their bytes. */
export const CHANNELS = 8;
export const CHANNEL_BYTES = CHANNELS * 4;
/** Input channels of one turn. */
export const INPUTS = 4;

/**
 * All addresses are in bytes.
 * @param inputs for each tile, tap and pixel, the address of its first input channel
 * @param quads number of input channels / 4
 * @param filter [taps, input channels, 8] of the eight output channels
 * @param outputs for each tile and pixel, the address of its first output channel
 * @param offset of the eight channels in an output pixel
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

/** @returns undefined if WebAssembly cannot multiply and add in one instruction here (relaxed SIMD) */
export function openConvolve(
  memory: KernelMemory,
): Readonly<Record<'linear' | 'relu', Convolve>> | undefined {
  return openKernel<'linear' | 'relu'>('convolution', memory)?.functions;
}
