/**
 * Where half bytes lie in a kernel's memory: what a search needs first, then the chunks. A chunk holds the upper
 * halves of all its rows, their lower halves, and four columns of float32.
 */
import { MemoryLayout } from '../simd/kernels.ts';

/** Rows of a chunk. */
export const CHUNK_ROWS = 1024;
/** The kernel's rows are a multiple of this, and are summed exactly in single precision up to the most. */
const [ROW_STEP, LONGEST_ROW] = [128, 1024];
/** Chunks begin at a multiple of this: of any system's pages. */
const CHUNKS_ALIGNMENT = 65536;
export const FLOAT_BYTES = 4;

/** Bytes of a chunk. @returns undefined when rows of this length are not supported */
export function chunkBytes(length: number): number | undefined {
  if (length % ROW_STEP !== 0 || length > LONGEST_ROW || length === 0) return undefined;
  return CHUNK_ROWS * (length + 4 * FLOAT_BYTES);
}

/** The numbers of a chunk's rows. */
export interface ChunkColumns {
  readonly scales: Float32Array;
  /** NaN in a row that must never be ruled out. */
  readonly squares: Float32Array;
  readonly upperLosses: Float32Array;
  readonly losses: Float32Array;
}

export const [FACTORS, NARROW_FACTORS] = [6, 9];
/** A list is written up to four numbers beyond its end. */
const LIST_SLACK = 4;

export function placesOf(chunkCount: number, chunkBytes: number, length: number) {
  const layout = new MemoryLayout();
  const places = {
    whole: layout.take(length),
    fine: layout.take(length),
    factors: layout.take(FACTORS * FLOAT_BYTES),
    narrowFactors: layout.take(NARROW_FACTORS * 2 * FLOAT_BYTES),
    list: layout.take((chunkCount * CHUNK_ROWS + LIST_SLACK) * FLOAT_BYTES),
    products: layout.take(2 * FLOAT_BYTES),
    row: layout.take(length * FLOAT_BYTES),
    sums: layout.take(8 * FLOAT_BYTES),
    bounds: layout.take(chunkCount * CHUNK_ROWS * FLOAT_BYTES),
  };
  const chunks = Math.ceil(layout.bytes / CHUNKS_ALIGNMENT) * CHUNKS_ALIGNMENT;
  const chunksBytes = chunkCount * chunkBytes;
  return { ...places, chunks, chunkCount, chunkBytes, chunksBytes, end: chunks + chunksBytes };
}

export function columnsOf(memory: ArrayBuffer, at: number): ChunkColumns {
  const column = (index: number) =>
    new Float32Array(memory, at + index * CHUNK_ROWS * FLOAT_BYTES, CHUNK_ROWS);
  return { scales: column(0), squares: column(1), upperLosses: column(2), losses: column(3) };
}
