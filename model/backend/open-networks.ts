/** The choice of backend: the native library where it loads, WebAssembly elsewhere, with the same answers. */
import { messageOf } from '../../runtime/errors.ts';
import { BackendError } from '../errors.ts';
import type { EncoderDescription, Precision } from '../format.ts';
import { readManifest } from '../manifest.ts';
import type { Backend, Networks } from '../networks.ts';
import { networksOf } from './session.ts';
import { openTensorflow } from './tensorflow.ts';
import { openWasm } from './wasm.ts';

export interface OpenOptions {
  /** `auto`, the default, takes tensorflow where it loads, else wasm. */
  readonly backend?: Backend | 'auto' | undefined;
  /** Threads of one operation; default 1. Wasm has one thread in Node, whatever is asked for. */
  readonly threads?: number | undefined;
  /** What tensorflow's encoder computes in, where it can; default float32. Wasm always computes in float32. */
  readonly precision?: Precision | undefined;
  /** Default: what the folder's manifest says. A conversion tests a model that has none yet. */
  readonly encoder?: EncoderDescription | undefined;
  /** Told in one line why `auto` fell back to wasm. */
  readonly onFallback?: ((reason: string) => void) | undefined;
}

/** The opening before this one: a second start of wasm at the same time would break off the first. */
let opening: Promise<unknown> = Promise.resolve();

/**
 * Opens the networks in a model folder; several openings wait for each other.
 * @throws {BackendError} when the backend asked for, or none at all, runs on this machine
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
  const { onFallback = () => {}, encoder = (await readManifest(directory)).encoder } = options;
  if (backend === 'wasm') return networksOf(await openWasm(directory), encoder);
  try {
    const computes = encoder.precisions.includes(precision) ? precision : 'float32';
    return networksOf(await openTensorflow(directory, threads, computes, encoder), encoder);
  } catch (error) {
    if (backend === 'tensorflow' || !(error instanceof BackendError)) throw error;
    onFallback(`The wasm backend takes over. ${messageOf(error)}`);
    return networksOf(await openWasm(directory), encoder);
  }
}
