/** Loads TensorFlow into this process and sets its threads. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TFJSBinding } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import { BackendError } from '../errors.ts';
import { whyNoTensorflow } from './machine.ts';
import { loadOwnAddon } from './own-addons.ts';
import { addonFile, nativeParts, tfjsNodeFolder } from './paths.ts';

export type TfjsNode = typeof import('@tensorflow/tfjs-node');

/** The part of tfjs-node's addon that is used. Tensors and SavedModels are numbers and must be deleted. */
export type Addon = Pick<
  TFJSBinding,
  | 'createTensor'
  | 'deleteTensor'
  | 'tensorDataSync'
  | 'loadSavedModel'
  | 'runSavedModel'
  | 'deleteSavedModel'
  | 'executeOp'
  | 'TF_FLOAT'
  | 'TF_ATTR_TYPE'
>;

interface LoadingAddon {
  /** Absent from an addon of an earlier version. */
  openLibrary?(path: string): void;
}

const require = createRequire(import.meta.url);

/** The user's TF_ENABLE_ONEDNN_OPTS: read when this program starts, because loading the library sets the variable. */
export const userOneDnnSetting = process.env.TF_ENABLE_ONEDNN_OPTS;

/** Level of TensorFlow's own log: errors only. */
const QUIET = '2';

/**
 * Loads the native library into this process. It stays loaded: a later call with another number of threads
 * has no effect.
 * @param threads per operation; operations run one after the other
 * @throws {BackendError} when the library is not set up or does not fit this machine, which is checked before
 *   loading because loading would end the process
 */
export function loadAddon(threads: number): Addon {
  return load<Addon>(join(tfjsNodeFolder, addonFile), threads);
}

/** The same with all of tfjs-node's JavaScript, for programs that use its operations. */
export function loadTfjsNode(threads: number): TfjsNode {
  restoreOldUtil();
  return load<TfjsNode>('@tensorflow/tfjs-node', threads);
}

/**
 * Begins to load TensorFlow's library on another thread, while this one imports modules: relocating it and
 * registering its kernels takes a quarter of a second. `loadAddon` then waits for what is left of that. Does nothing
 * where the library cannot be loaded, which `loadAddon` says.
 */
export function beginLoading(): void {
  if (whyNoTensorflow() !== undefined || !existsSync(join(tfjsNodeFolder, addonFile))) return;
  setEnvironment();
  const [{ installed }] = nativeParts;
  loadOwnAddon<LoadingAddon>('pages')?.openLibrary?.(join(tfjsNodeFolder, installed));
}

function load<T>(what: string, threads: number): T {
  const reason = whyNoTensorflow();
  if (reason !== undefined) throw new BackendError(`${reason}.`);
  if (!existsSync(join(tfjsNodeFolder, addonFile))) {
    throw new BackendError(
      `TensorFlow's native library is not set up: run \`${commandLine('setup-native')}\`, which says what is missing.`,
    );
  }
  setEnvironment();
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  process.env.TF_NUM_INTEROP_THREADS ??= '1';
  try {
    return require(what) as T;
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n');
    throw new BackendError(
      `TensorFlow's native library does not load (${reason?.trim()}): run \`${commandLine('setup-native')}\` to set it up.`,
      { cause },
    );
  }
}

/** What TensorFlow reads while it is loaded. */
function setEnvironment(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= QUIET;
  // Where oneDNN is faster, the model names its operations itself. TensorFlow's own use of it rewrites each
  // graph again, logs a line in every process, and takes 100 MB.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
  // This allocator keeps tensors together. Among small blocks that stay allocated, the C library's heap grows
  // to three times what a photo needs at once.
  process.env.TF_CPU_ALLOCATOR_USE_BFC ??= '1';
}

/** Node 23 removed these two functions, which tfjs-node 4.22 still calls. */
function restoreOldUtil(): void {
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}
