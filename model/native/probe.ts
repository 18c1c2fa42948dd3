/** A process of its own that tries tfjs-node with one small computation: exit 0 when it works. */
import { loadTfjsNode } from './load.ts';

const tf = loadTfjsNode(1);
const [sum] = tf.tidy(() => tf.tensor1d([1, 2, 3]).sum().dataSync());
if (sum !== 6) throw new Error(`TensorFlow says that 1 + 2 + 3 is ${sum}.`);
