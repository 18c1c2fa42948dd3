/** Chooses the backend: the native library if it loads, otherwise WebAssembly, with the same answers. */
import { messageOf } from '../../runtime/errors.ts';
import { BackendError } from '../errors.ts';
import type { EncoderDescription, Precision } from '../format.ts';
import { readManifest } from '../manifest.ts';
import { cpuinfoHere } from '../native/machine.ts';
import type { Backend, Networks } from '../networks.ts';
import { type KernelsByPrecision, usualKernels } from './own-encoder.ts';
import { networksOf } from './session.ts';
import { openTensorflow } from './tensorflow.ts';
import { openWasm } from './wasm.ts';

export interface OpenOptions {
  /** `auto`, the default, takes tensorflow if it loads, otherwise wasm. */
  readonly backend?: Backend | 'auto' | undefined;
  /** Threads per operation (default 1). Wasm always has one thread in Node. */
  readonly threads?: number | undefined;
  /** Precision of tensorflow's encoder, if it supports it (default float32). Wasm always uses float32. */
  readonly precision?: Precision | undefined;
  /** Kernels of tensorflow's encoder (default: by the processor's flags, the project's own where they run). */
  readonly kernels?: KernelsByPrecision | undefined;
  /** Default: from the folder's manifest. A conversion tests a model before its manifest is written. */
  readonly encoder?: EncoderDescription | undefined;
  /** Called with the reason, in one line, if `auto` falls back to wasm. */
  readonly onFallback?: ((reason: string) => void) | undefined;
}

/** The previous call of `openNetworks`: starting wasm twice at the same time would abort the first start. */
let opening: Promise<unknown> = Promise.resolve();

/**
 * Opens the networks in a model folder. Concurrent calls wait for each other.
 * @throws {BackendError} when the requested backend, or every backend, does not run on this machine
 * @throws {ModelError} when the folder's model cannot be read
 */
export function openNetworks(directory: string, options: OpenOptions = {}): Promise<Networks> {
  const opened = opening.then(() => open(directory, options));
  opening = opened.catch(() => {});
  return opened;
}

async function open(
  directory: string,
  { backend = 'auto', threads = 1, precision = 'float32', ...options }: OpenOptions,
): Promise<Networks> {
  const {
    onFallback = () => {},
    kernels = usualKernels(cpuinfoHere()),
    encoder = (await readManifest(directory)).encoder,
  } = options;
  if (backend === 'wasm') return networksOf(await openWasm(directory), encoder);
  try {
    const computes = encoder.precisions.includes(precision) ? precision : 'float32';
    return networksOf(
      await openTensorflow(directory, threads, computes, encoder, kernels),
      encoder,
    );
  } catch (error) {
    if (backend === 'tensorflow' || !(error instanceof BackendError)) throw error;
    onFallback(`The wasm backend takes over. ${messageOf(error)}`);
    return networksOf(await openWasm(directory), encoder);
  }
}
