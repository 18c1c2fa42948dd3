/**
 * Dot products of one vector with many int8 rows (model/simd/assembly/products.ts), eight values an
 * instruction: plain JavaScript takes ten times as long.
 */
import { newMemory, openKernel } from '../simd/kernels.ts';

/** Values that one instruction multiplies. */
const LANES = 8;
/** Products of longer rows may not fit into 32 bits: 512 · 127 · 32767 does. */
const MAX_LENGTH = 512;
/** Rows of one call: V8 compiles code that is called often with all optimisations, here within one pass. */
const ROWS_PER_CALL = 1024;

export interface Int8Products {
  /** [count, length], written by the caller; -128 is not allowed */
  readonly rows: Int8Array;
  /** [length], written by the caller before `multiply`; -32768 is not allowed */
  readonly vector: Int16Array;
  /** [count], exact */
  readonly products: Int32Array;
  /** Sets `products` to the product of each row with the vector. */
  multiply(): void;
}

/**
 * @param length of the vector and of each row
 * @returns undefined if this machine has no SIMD or too little memory, or the length is not supported
 */
export function openInt8Products(count: number, length: number): Int8Products | undefined {
  if (length % LANES !== 0 || length > MAX_LENGTH) return undefined;
  // The kernel reads the vector at address 0, as int16; the rows follow it, the products follow the rows.
  const rowsAt = length * 2;
  const productsAt = rowsAt + count * length;
  const kernel = openKernel<KernelFunction>('products', newMemory(productsAt + count * 4));
  if (kernel === undefined) return undefined;
  const {
    memory: { buffer },
    functions,
  } = kernel;
  const loop = length === 512 ? 'multiply512' : length === 128 ? 'multiply128' : 'multiplySteps';
  return {
    rows: new Int8Array(buffer, rowsAt, count * length),
    vector: new Int16Array(buffer, 0, length),
    products: new Int32Array(buffer, productsAt, count),
    multiply() {
      for (let row = 0; row < count; row += ROWS_PER_CALL) {
        const end = Math.min(count, row + ROWS_PER_CALL);
        const [from, to] = [rowsAt + row * length, rowsAt + end * length];
        functions[loop](from, to, productsAt + row * 4, length / LANES);
      }
    },
  };
}

/** Loops without inner loops for the two encoders' lengths, and one for every length. */
type KernelFunction = 'multiply512' | 'multiply128' | 'multiplySteps';
