/** Loads tfjs-node on a current Node, with its threads set; knows nothing of models. */
import { createRequire } from 'node:module';
import { messageOf } from '../../runtime/errors.ts';
import { BackendError } from '../errors.ts';

export type TfjsNode = typeof import('@tensorflow/tfjs-node');

const require = createRequire(import.meta.url);

/** TensorFlow's own log: errors only. */
const QUIET = '2';

/**
 * Loads the native library into this process, where it stays: a later call with other threads changes
 * nothing any more.
 * @param threads of one operation; operations run one after the other
 * @throws {BackendError} when the library is not set up or does not fit this machine
 */
export function loadTfjsNode(threads: number): TfjsNode {
  restoreOldUtil();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= QUIET;
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  process.env.TF_NUM_INTEROP_THREADS ??= '1';
  try {
    return require('@tensorflow/tfjs-node') as TfjsNode;
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n');
    throw new BackendError(
      `TensorFlow's native library does not load (${reason?.trim()}): run \`npm run setup-native\` to set it up.`,
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
