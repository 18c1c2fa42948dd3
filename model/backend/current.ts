/** Which of two backends in one process computes next. Knows no model. */
import type * as Tf from '@tensorflow/tfjs-core';
import type { Backend } from '../networks.ts';

type Engine = Pick<typeof Tf, 'backend' | 'findBackend' | 'getBackend' | 'setBackend'>;

/**
 * Makes a backend that has started the one that computes; takes effect at once. Its name alone does not
 * tell: when another one starts at the same time, name and backend can be those of two.
 */
export function makeCurrent(tf: Engine, name: Backend): void {
  if (tf.getBackend() !== name || tf.backend() !== tf.findBackend(name)) void tf.setBackend(name);
}
