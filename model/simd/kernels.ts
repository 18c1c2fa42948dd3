/**
 * Opens the compiled kernels of assembly/: loops over memory that take JavaScript five to ten times as
 * long. Lays out the memory that they work in.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const kernelNames = ['areas', 'convolution', 'half-bytes', 'resample'] as const;
export type KernelName = (typeof kernelNames)[number];

/** Path of a compiled module. */
export function kernelFile(name: KernelName): string {
  return join(import.meta.dirname, 'assembly', `${name}.wasm`);
}

/** The part of WebAssembly's interface that is used: Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  readonly CompileError: ErrorConstructor;
};

const PAGE_BYTES = 65536;
/** Pages that 32-bit addresses can reach. */
const MAX_PAGES = 65536;

export interface KernelMemory {
  /** Replaced by another buffer on each `grow`. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

/** @returns undefined if the machine has less memory */
export function newMemory(bytes: number): KernelMemory | undefined {
  const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
  if (pages > MAX_PAGES) return undefined;
  try {
    return new WebAssembly.Memory({ initial: pages });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export function isMemory(value: unknown): value is KernelMemory {
  return value instanceof WebAssembly.Memory;
}

/** Grows the memory to at least `bytes`, which may replace its buffer. */
export function reserve(memory: KernelMemory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
}

export interface Kernel<Name extends string> {
  readonly memory: KernelMemory;
  /** Those without a result return `undefined`. */
  readonly functions: Readonly<Record<Name, (...values: number[]) => number>>;
}

/** Compiled once a process, however many memories a kernel is opened over. */
const compiled = new Map<KernelName, object>();

/**
 * The functions of a kernel over a memory.
 * @param memory from `newMemory`, or of another module
 * @returns undefined without memory, or if this machine does not have the kernel's SIMD instructions
 */
export function openKernel<Name extends string>(
  kernel: KernelName,
  memory: KernelMemory | undefined,
): Kernel<Name> | undefined {
  if (memory === undefined) return undefined;
  try {
    const module = compiled.get(kernel) ?? new WebAssembly.Module(readFileSync(kernelFile(kernel)));
    compiled.set(kernel, module);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return { memory, functions: exports as Kernel<Name>['functions'] };
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

/** Assigns addresses in a memory, one after the other, each aligned for a vector. */
export class MemoryLayout {
  /** Total of all that were assigned. */
  bytes = 0;

  /** @returns the address of the next `bytes` bytes */
  take(bytes: number): number {
    const at = this.bytes;
    this.bytes = aligned(at + bytes);
    return at;
  }
}

/** Rounded up to a multiple of a vector's 16 bytes. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}
