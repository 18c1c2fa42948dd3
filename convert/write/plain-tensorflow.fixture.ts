/**
 * A program that knows nothing of this project: reads a converted model by TensorFlow.js's own means and sends
 * what each network answers. `node plain-tensorflow.fixture.ts tensorflow|wasm MODEL_URL`
 */
import util from 'node:util';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type * as core from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { referenceImages } from '../self-test/reference.ts';

/** What a model.json says of itself beside TensorFlow.js's own format. */
const networksSchema = z.object({
  networks: z.array(
    z.object({ name: z.string(), input: z.string(), outputs: z.array(z.string()) }),
  ),
});

/** Of P-Net, which takes images of any size; as the reference answers were made. */
const PROPOSAL = [1, 19, 16, 3];
const COUNT = 2;

type Opened = { readonly tf: typeof core; readonly model: GraphModel };

const engines: Readonly<Record<string, (url: string) => Promise<Opened>>> = {
  async tensorflow(url) {
    const tf = await import('@tensorflow/tfjs-node');
    // tfjs-node 4.22 calls two functions that Node 23 took out of `util`.
    Object.assign(util, { isNullOrUndefined: (x: unknown) => x == null, isArray: Array.isArray });
    return { tf, model: await tf.loadGraphModel(url) };
  },
  async wasm(url) {
    const tf = await import('@tensorflow/tfjs-core');
    await import('@tensorflow/tfjs-backend-wasm');
    const { loadGraphModel } = await import('@tensorflow/tfjs-converter');
    await tf.setBackend('wasm');
    return { tf, model: await loadGraphModel(url) };
  },
};

const [engine = '', url = ''] = process.argv.slice(2);
const { tf, model } = await engines[engine]!(url);
const answers: Record<string, Record<string, number[]>> = {};
for (const network of networksSchema.parse(model.metadata).networks) {
  const nodeName = (tensor: string) => `${network.name}/${tensor}`;
  const input = nodeName(network.input);
  const size = model.inputs.find(({ name }) => name === input)!.shape!;
  const shape = size[1] === -1 ? PROPOSAL : [COUNT, ...size.slice(1)];
  const [count, height, width] = shape as [number, number, number];
  const images = tf.tensor(referenceImages(count, height, width), shape);
  const results = [model.execute({ [input]: images }, network.outputs.map(nodeName))].flat();
  answers[network.name] = Object.fromEntries(
    results.map((result, at) => [network.outputs[at]!, [...result.dataSync()]]),
  );
}
process.send?.({ backend: tf.getBackend(), answers });
