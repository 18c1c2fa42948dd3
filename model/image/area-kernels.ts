/**
 * The loops of `area-averages.ts` (model/simd/assembly/areas.ts) and the memory that they share between
 * photos.
 */
import { noSimd } from '../errors.ts';
import { type KernelMemory, newMemory, openKernel, reserve } from '../simd/kernels.ts';

// Bytes of one entry, as the kernel reads and writes them.
/** Of a pixel in the summed-area table: red, green, blue and an unused value, int32. */
export const TABLE_BYTES = 16;
/**
 * Of a cell: the addresses in the table of its first column and of the one after its last, int32; the number
 * of columns, float32; an unused value.
 */
export const SPAN_BYTES = 16;
/** Of a cell in a window: the offset of its first column in a line, and the number of columns, int32. */
export const EXTENT_BYTES = 8;
export const SUM_BYTES = 16;
export const CELL_BYTES = 12;
export const PIXEL_BYTES = 3;
/** Pixels that `addLine` takes in one turn. */
export const PIXELS_AT_ONCE = 4;
/** Bytes that the loops may read past a line's last pixel. */
export const SPARE_BYTES = 16;

/**
 * Memory kept for the next photo, so that its pages are not cleared again: enough for 4 megapixels. The
 * memory of a larger photo is given back.
 */
const KEPT_BYTES = 80 << 20;

export interface AreaKernels {
  readonly memory: KernelMemory;
  /** Adds a line of `fours` times four pixels, three bytes each, to the table's sums from `table` on. */
  addLine(line: number, table: number, fours: number): void;
  /** Saves the sums over the cells' columns, as they are above the current line. */
  begin(spans: number, sums: number, cells: number): void;
  /** Writes the cells' averages over the lines since `begin`, as (x - 127.5) / 128, three float32 each. */
  finish(spans: number, sums: number, into: number, cells: number, lines: number): void;
  /** The same for cells whose pixels are in `lines` lines from `line` on, rounded once, from float64. */
  average(
    line: number,
    stride: number,
    lines: number,
    extents: number,
    cells: number,
    into: number,
  ): void;
}

let opened: AreaKernels | undefined;

/**
 * The loops over at least `bytes` of memory, whose former content is lost.
 * @throws {BackendError} if WebAssembly has no SIMD here
 */
export function areaKernels(bytes: number): AreaKernels {
  const isHuge = opened !== undefined && opened.memory.buffer.byteLength > KEPT_BYTES;
  if (isHuge && bytes <= KEPT_BYTES) opened = undefined;
  opened ??= open();
  reserve(opened.memory, bytes);
  return opened;
}

function open(): AreaKernels {
  const kernel = openKernel<Exclude<keyof AreaKernels, 'memory'>>('areas', newMemory(1));
  if (kernel === undefined) throw noSimd();
  return { memory: kernel.memory, ...kernel.functions };
}
