/** The loops of `resample.ts` (model/simd/assembly/resample.ts) and the memory that they work in. */
import { noSimd } from '../errors.ts';
import { type KernelMemory, newMemory, openKernel, reserve } from '../simd/kernels.ts';

export const WEIGHT_BITS = 22;
/** Bits of a weight's lower part. */
export const LOWER_BITS = 15;
/** Bytes of two weights: both lower parts, then both upper parts, int16. */
export const PAIR_BYTES = 8;
/** Lines that `alongRows` scales in one call. */
export const LINES_AT_ONCE = 4;
/** Values that `alongColumns` scales in one turn. */
export const VALUES_AT_ONCE = 16;
/** Bytes that the loops may read past a line's last pixel: one more pixel, and two bytes. */
export const SPARE_BYTES = 16;

export interface ResampleKernels {
  readonly memory: KernelMemory;
  /** Grows the memory to at least `bytes`, which may replace its buffer. */
  reserve(bytes: number): void;
  /**
   * Scales four lines at `from`, `stride` bytes apart, to `targets` pixels each.
   * @param starts for each target, bytes from the start of a line to its first source pixel, int32
   * @param weights for each target, `pairs` pairs of weights
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
  /** Scales the lines from `from` on, `stride` bytes apart, to one line of `vectors` times 16 values. */
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

/** @throws {BackendError} if WebAssembly has no SIMD here */
export function resampleKernels(): ResampleKernels {
  opened ??= open();
  return opened;
}

function open(): ResampleKernels {
  const kernel = openKernel<'alongRows' | 'alongColumns'>('resample', newMemory(1));
  if (kernel === undefined) throw noSimd();
  const { memory, functions } = kernel;
  return { memory, reserve: (bytes) => reserve(memory, bytes), ...functions };
}
