/**
 * tfjs as other projects use it: the graph model node by node, on tfjs-node (`eager`) or, with batch
 * normalization not folded, on WebAssembly (`unfolded`). The encoder only. Arguments: model folder, variant,
 * threads.
 */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { modelFiles } from '../../../model/format.ts';
import { loadTfjsNode } from '../../../model/native/load.ts';
import { readGraphModel, unfolded } from './graph-model.ts';
import { embedTimer, serve } from './serve.ts';

const [directory = '', which = '', threads = '1'] = process.argv.slice(2);

if (which === 'eager') {
  loadTfjsNode(Number(threads));
  await tf.setBackend('tensorflow');
} else {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const program = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(dirname(program) + sep);
  await tf.setBackend('wasm');
}
const stored = await readGraphModel(join(directory, modelFiles.graphModel));
const artifacts = which === 'eager' ? stored : unfolded(stored);
const model = await loadGraphModel({ load: async () => artifacts });
const input = model.inputNodes.find((name) => name.endsWith('/faces'))!;
const output = input.replace(/faces$/, 'embedding');

function embed(faces: Float32Array, count: number): Float32Array {
  return tf.tidy(() => {
    const tensor = tf.tensor4d(faces, [count, 240, 240, 3]);
    return (model.execute({ [input]: tensor }, output) as tf.Tensor).dataSync() as Float32Array;
  });
}

await serve({ embed: embedTimer(embed) }, `tfjs ${tf.version_core}`);
