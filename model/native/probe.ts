/** A process of its own that tries the native library with one small computation: exit 0 when it works. */
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
  // One line and no stack: the process that asked quotes it.
  const { cause = error } = error as Error;
  console.error(messageOf(cause).split('\n')[0]);
  process.exitCode = 1;
}
