/** Loads TensorFlow into this process, with its threads set; knows nothing of models. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TFJSBinding } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import { BackendError } from '../errors.ts';
import { whyNoTensorflow } from './machine.ts';
import { addonFile, tfjsNodeFolder } from './paths.ts';

export type TfjsNode = typeof import('@tensorflow/tfjs-node');

/** What is used of tfjs-node's native addon; tensors and SavedModels are numbers that must be deleted. */
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

const require = createRequire(import.meta.url);

/** TensorFlow's own log: errors only. */
const QUIET = '2';

/**
 * Loads the native library into this process, where it stays: a later call with other threads changes
 * nothing any more.
 * @param threads of one operation; operations run one after the other
 * @throws {BackendError} when the library is not set up or does not fit this machine; said before it is
 *   loaded where it would end the process
 */
export function loadAddon(threads: number): Addon {
  return load<Addon>(join(tfjsNodeFolder, addonFile), threads);
}

/** The same with all of tfjs-node's JavaScript, for programs that are written in its operations. */
export function loadTfjsNode(threads: number): TfjsNode {
  restoreOldUtil();
  return load<TfjsNode>('@tensorflow/tfjs-node', threads);
}

function load<T>(what: string, threads: number): T {
  const reason = whyNoTensorflow();
  if (reason !== undefined) throw new BackendError(`${reason}.`);
  if (!existsSync(join(tfjsNodeFolder, addonFile))) {
    throw new BackendError(
      `TensorFlow's native library is not set up: run \`${commandLine('setup-native')}\`, which says what it lacks.`,
    );
  }
  process.env.TF_CPP_MIN_LOG_LEVEL ??= QUIET;
  // Where oneDNN pays, the model names its operations itself; TensorFlow's own use of it rewrites each
  // graph once more, says so in every process, and takes 100 MB.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
  // Its pool keeps tensors together. Among small blocks that stay, the C library's heap grows to three times
  // what a photo needs at once.
  process.env.TF_CPU_ALLOCATOR_USE_BFC ??= '1';
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

/** Node 23 took these two away, and tfjs-node 4.22 still calls them. */
function restoreOldUtil(): void {
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}
