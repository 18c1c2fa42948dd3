/** A process of its own that tries tfjs-node with one small computation: exit 0 when it works. */
import { messageOf } from '../../runtime/errors.ts';
import { loadTfjsNode } from './load.ts';

try {
  const tf = loadTfjsNode(1);
  const [sum] = tf.tidy(() => tf.tensor1d([1, 2, 3]).sum().dataSync());
  if (sum !== 6) throw new Error(`TensorFlow says that 1 + 2 + 3 is ${sum}`);
} catch (error) {
  // One line and no stack: the process that asked quotes it.
  const { cause = error } = error as Error;
  console.error(messageOf(cause).split('\n')[0]);
  process.exitCode = 1;
}
