/** Tries the native library with one small computation, in a process of its own: exits with 0 if it works. */
import { messageOf } from '../../runtime/errors.ts';
import { loadAddon } from './load.ts';

try {
  const addon = loadAddon(1);
  const pair = addon.createTensor([2], addon.TF_FLOAT, Float32Array.of(1, 2));
  const type = { name: 'T', type: addon.TF_ATTR_TYPE, value: addon.TF_FLOAT };
  const [sum] = addon.executeOp('AddV2', [type], [pair, pair], 1);
  const [, four] = addon.tensorDataSync(sum!.id);
  if (four !== 4) throw new Error(`TensorFlow says that 2 + 2 is ${four}`);
} catch (error) {
  // One line without a stack: the parent process quotes it.
  const { cause = error } = error as Error;
  console.error(messageOf(cause).split('\n')[0]);
  process.exitCode = 1;
}
