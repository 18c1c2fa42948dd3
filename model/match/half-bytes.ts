/**
 * A gallery's rows as bytes in two halves, in chunks that a kernel reads (model/simd/assembly/half-bytes.ts):
 * the upper halves of all rows of a chunk lie together, so that a first look reads half of the bytes. Knows no
 * people and no files.
 *
 * A row b is kept as s·(u − 128), u bytes; the upper halves alone stand for s·(16·(u >> 4) − 120.5), in the
 * middle of what the lower half may be. A loss says how far b is from what stands for it.
 */
import { type Kernel, newMemory, openKernel } from '../simd/kernels.ts';
import {
  CHUNK_ROWS,
  type ChunkColumns,
  chunkBytes,
  columnsOf,
  FACTORS,
  FLOAT_BYTES,
  NARROW_FACTORS,
  placesOf,
} from './half-bytes-layout.ts';

/** What is added to the bytes of a row, or to 16 times their upper halves. */
export const [MIDDLE, UPPER_MIDDLE] = [-128, -120.5] as const;

const INT8_MOST = 127;
/** Squares beyond these are not safe in single precision. */
const [SQUARE_ABOVE, SQUARE_BELOW] = [1e-25, 1e30];
/** More than float32 rounds while a loss is summed up: as a share of it, and of the row's length. */
const [ROUNDING_OF_LOSS, ROUNDING_OF_LENGTH] = [1e-4, 1e-6];

type KernelFunction = 'bound' | 'below' | 'narrow' | 'products' | 'measure' | 'pack' | 'losses';

/** Factors of a bound, in the kernel's order. */
export interface BoundFactors {
  readonly constant: number;
  /** Of |b|². */
  readonly square: number;
  /** Of |b|. */
  readonly length: number;
  /** Of s times the product with the upper halves. */
  readonly product: number;
  /** Of s. */
  readonly scale: number;
  /** Of the loss of the upper halves. */
  readonly loss: number;
}

/** Factors of `narrow`, in the kernel's order. */
export interface NarrowFactors {
  /** |a|² */
  readonly own: number;
  /** |a| */
  readonly length: number;
  /** What is left of |a|² + |b|² when it was rounded. */
  readonly share: number;
  /** Of s times the sum of a product and what is added to it: `whole`'s, then `fine`'s. */
  readonly scale: number;
  readonly fineScale: number;
  readonly middle: number;
  readonly fineMiddle: number;
  /** What the query's bytes leave out, without and with `fine`. */
  readonly wholeLoss: number;
  readonly loss: number;
}

/** Whether single precision holds a bound of a vector with this squared length. */
export function isSafe(square: number): boolean {
  return square === 0 || (square > SQUARE_ABOVE && square < SQUARE_BELOW);
}

export class HalfBytes {
  readonly memory: ArrayBuffer;
  /** Where the chunks are in the memory. */
  readonly chunksAt: number;
  readonly chunksBytes: number;
  /** Whether the chunks are a file's, which cannot be written to. */
  isMapped = false;
  /** [length] each: the query, to be filled before `bound` and `products`. */
  readonly whole: Int8Array;
  readonly fine: Int8Array;
  /** [rows, up to a whole chunk]: set by `bound`. */
  readonly bounds: Float32Array;
  /** [chunks]: the least bound of each, NaN when one is. */
  readonly leastBounds: Float32Array;
  readonly #functions: Kernel<KernelFunction>['functions'];
  readonly #rowBytes: number;
  readonly #chunkBytes: number;
  readonly #columns: readonly ChunkColumns[];
  readonly #factors: Float32Array;
  readonly #narrowFactors: Float64Array;
  /** Row numbers. */
  readonly #list: Uint32Array;
  readonly #products: Int32Array;
  readonly #row: Float32Array;
  /** Four of each of two sums. */
  readonly #sums: Float32Array;

  private constructor(
    { memory, functions }: Kernel<KernelFunction>,
    places: ReturnType<typeof placesOf>,
    length: number,
  ) {
    const { buffer } = memory;
    this.memory = buffer;
    this.chunksAt = places.chunks;
    this.chunksBytes = places.chunksBytes;
    this.whole = new Int8Array(buffer, places.whole, length);
    this.fine = new Int8Array(buffer, places.fine, length);
    this.bounds = new Float32Array(buffer, places.bounds, places.chunkCount * CHUNK_ROWS);
    this.#functions = functions;
    this.#rowBytes = length / 2;
    this.#chunkBytes = places.chunkBytes;
    this.#columns = Array.from({ length: places.chunkCount }, (_, chunk) =>
      columnsOf(buffer, places.chunks + chunk * places.chunkBytes + CHUNK_ROWS * length),
    );
    this.leastBounds = new Float32Array(places.chunkCount);
    this.#factors = new Float32Array(buffer, places.factors, FACTORS);
    this.#narrowFactors = new Float64Array(buffer, places.narrowFactors, NARROW_FACTORS);
    this.#list = new Uint32Array(buffer, places.list, places.chunkCount * CHUNK_ROWS);
    this.#products = new Int32Array(buffer, places.products, 2);
    this.#row = new Float32Array(buffer, places.row, length);
    this.#sums = new Float32Array(buffer, places.sums, 8);
  }

  /** @returns undefined without relaxed SIMD or enough memory, or if rows of this length are not supported */
  static open(rows: number, length: number): HalfBytes | undefined {
    const bytes = chunkBytes(length);
    if (bytes === undefined) return undefined;
    const places = placesOf(Math.ceil(rows / CHUNK_ROWS), bytes, length);
    const kernel = openKernel<KernelFunction>('half-bytes', newMemory(places.end));
    return kernel && new HalfBytes(kernel, places, length);
  }

  /** The numbers of a row's chunk, and the row's place in it. */
  columnsOf(row: number): { columns: ChunkColumns; inChunk: number } {
    const inChunk = row % CHUNK_ROWS;
    return { columns: this.#columns[(row - inChunk) / CHUNK_ROWS]!, inChunk };
  }

  /** Sets all bounds. */
  bound({ constant, square, length, product, scale, loss }: BoundFactors): void {
    this.#factors.set([constant, square, length, product, scale, loss]);
    const { byteOffset: boundsAt } = this.bounds;
    // A call a chunk: V8 compiles code that is called often with all optimisations, here within one pass.
    for (const [chunk, { scales }] of this.#columns.entries()) {
      const at = this.chunksAt + chunk * this.#chunkBytes;
      this.leastBounds[chunk] = this.#functions.bound(
        ...[at, at + CHUNK_ROWS * this.#rowBytes, this.#rowBytes, scales.byteOffset],
        ...[boundsAt + chunk * CHUNK_ROWS * FLOAT_BYTES, this.whole.byteOffset],
        this.#factors.byteOffset,
      );
    }
  }

  /**
   * The rows that neither their bound nor both halves of their bytes rule out.
   * @param limit of the squared distance
   * @returns their numbers, valid until the next call
   */
  within(rows: number, limit: number, factors: NarrowFactors): Uint32Array {
    const { own, length, share, scale, fineScale, middle, fineMiddle, wholeLoss, loss } = factors;
    this.#narrowFactors.set([own, length, share, scale, fineScale, middle, fineMiddle]);
    this.#narrowFactors.set([wholeLoss, loss], 7);
    const list = this.#list;
    const from = list.byteOffset;
    const { byteOffset: boundsAt, byteLength } = this.bounds;
    let end = this.#functions.below(boundsAt, boundsAt + byteLength, 0, limit, from);
    // A chunk that is not full has bounds of no row.
    while (end > from && list[(end - from) / list.BYTES_PER_ELEMENT - 1]! >= rows) {
      end -= list.BYTES_PER_ELEMENT;
    }
    end = this.#functions.narrow(
      ...[from, end, this.chunksAt, this.#rowBytes],
      ...[this.whole.byteOffset, this.fine.byteOffset, this.#narrowFactors.byteOffset, limit],
    );
    return list.subarray(0, (end - from) / list.BYTES_PER_ELEMENT);
  }

  /** A row's bytes times `whole` and times `fine`. */
  products(row: number): [whole: number, fine: number] {
    const list = this.#list;
    list[0] = this.#upperAt(row);
    this.#functions.products(
      ...[list.byteOffset, list.byteOffset + list.BYTES_PER_ELEMENT, this.#rowBytes],
      ...[CHUNK_ROWS * this.#rowBytes, this.#products.byteOffset],
      ...[this.whole.byteOffset, this.fine.byteOffset],
    );
    return [this.#products[0]!, this.#products[1]!];
  }

  /** Overwrites the query, and the chunks unless they are a file's. */
  clear(): void {
    this.whole.fill(0);
    this.fine.fill(0);
    this.#row.fill(0);
    if (!this.isMapped) new Uint8Array(this.memory, this.chunksAt, this.chunksBytes).fill(0);
  }

  /** Packs [rows, length] embeddings. @throws {RangeError} when a value is not a number */
  packAll(embeddings: Float32Array): void {
    const { length } = this.whole;
    for (let row = 0; row * length < embeddings.length; row++) {
      this.pack(row, embeddings.subarray(row * length, (row + 1) * length));
    }
  }

  /**
   * Packs an embedding into a row.
   * @throws {RangeError} when a value is not a number
   */
  pack(row: number, embedding: Float32Array): void {
    this.#row.set(embedding);
    const { byteOffset: from, byteLength } = this.#row;
    const { byteOffset: sumsAt } = this.#sums;
    const end = from + byteLength;
    this.#functions.measure(from, end, sumsAt);
    const sums = this.#sums;
    const largest = Math.max(sums[0]!, sums[1]!, sums[2]!, sums[3]!);
    const square = this.#sum(4);
    if (!Number.isFinite(largest)) {
      throw new RangeError('An embedding of the gallery holds a value that is not a number.');
    }
    // A square may be too small for float32, and then 0.
    const safe = isSafe(square) && (square > 0 || largest === 0);
    const scale = safe ? Math.fround(largest / INT8_MOST) : 0;
    const factor = scale === 0 ? 0 : 1 / scale;
    const upper = this.#upperAt(row);
    this.#functions.pack(from, end, upper, upper + CHUNK_ROWS * this.#rowBytes, factor);
    this.#functions.losses(from, end, sumsAt, factor, scale);
    const { columns, inChunk } = this.columnsOf(row);
    const rounded = ROUNDING_OF_LENGTH * Math.sqrt(square);
    const lossOf = (sum: number): number => Math.sqrt(sum) * (1 + ROUNDING_OF_LOSS) + rounded;
    columns.scales[inChunk] = scale;
    columns.squares[inChunk] = safe ? square : Number.NaN;
    columns.upperLosses[inChunk] = lossOf(this.#sum(0));
    columns.losses[inChunk] = lossOf(this.#sum(4));
  }

  #sum(from: number): number {
    const sums = this.#sums;
    return sums[from]! + sums[from + 1]! + sums[from + 2]! + sums[from + 3]!;
  }

  #upperAt(row: number): number {
    const inChunk = row % CHUNK_ROWS;
    const chunk = (row - inChunk) / CHUNK_ROWS;
    return this.chunksAt + chunk * this.#chunkBytes + inChunk * this.#rowBytes;
  }
}
