import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { z } from 'zod';
import { biasTransform, foldConvolution } from '../networks/fold-batch-norm.ts';
import { NetworkBuilder } from '../networks/network-builder.ts';
import { encodeGraphModel } from './graph-model.ts';
import { encodeSavedModel } from './saved-model.ts';
import { layoutWeights } from './weights.ts';

/** One convolution of 1 x 1 from one channel to `outputs`, then PReLU. */
function network(name: string, outputs: number, slope = 0) {
  const builder = new NetworkBuilder(name);
  const layer = foldConvolution(
    Float32Array.from({ length: outputs }, (_, at) => at),
    [outputs, 1, 1, 1],
    biasTransform(new Float32Array(outputs)),
  );
  const input = builder.input('image', [-1, -1, -1, 1]);
  const x = builder.convolution('conv', input, layer, { stride: 1, padding: 'VALID' });
  builder.prelu('answer', x, new Float32Array(outputs).fill(slope));
  return builder.finish([{ name: 'answer', shape: [-1, -1, -1, outputs] }]);
}

const decoded = z.object({
  metaGraphs: z.tuple([
    z.object({
      metaInfoDef: z.object({ tags: z.array(z.string()) }),
      graphDef: z.object({
        node: z.array(
          z.object({ name: z.string(), op: z.string(), input: z.array(z.string()).default([]) }),
        ),
      }),
      signatureDef: z.record(
        z.string(),
        z.object({
          inputs: z.record(z.string(), z.object({ name: z.string() })),
          outputs: z.record(z.string(), z.object({ name: z.string() })),
        }),
      ),
      collectionDef: z.object({
        saved_model_main_op: z.object({ nodeList: z.object({ value: z.array(z.string()) }) }),
      }),
    }),
  ]),
});

async function decode(bytes: Uint8Array) {
  const root = await protobuf.load(join(import.meta.dirname, 'saved-model.proto'));
  const type = root.lookupType('SavedModel');
  return decoded.parse(type.toObject(type.decode(bytes), { longs: Number })).metaGraphs[0];
}

const networks = [network('small', 2), network('large', 16)];
const layout = layoutWeights(networks);

test('every input of a node is a node, and names are unique', async () => {
  const { graphDef } = await decode(encodeSavedModel(networks, layout, 'weights.bin'));
  const names = new Set(graphDef.node.map(({ name }) => name));
  assert.equal(names.size, graphDef.node.length);
  for (const { name, input } of graphDef.node) {
    for (const from of input) {
      assert.ok(
        names.has(from.replace(/^\^|:\d+$/g, '')),
        `${name} reads ${from}, which is no node`,
      );
    }
  }
});

test('the networks are signatures with plain tensor names', async () => {
  const meta = await decode(encodeSavedModel(networks, layout, 'weights.bin'));
  assert.deepEqual(meta.metaInfoDef.tags, ['serve']);
  assert.deepEqual(meta.signatureDef.small, {
    inputs: { image: { name: 'small/image:0' } },
    outputs: { answer: { name: 'small/answer:0' } },
  });
  assert.deepEqual(Object.keys(meta.signatureDef), ['small', 'large']);
});

test('the weights file is mapped once, and what is stored as it is computed with stays in it', async () => {
  const meta = await decode(encodeSavedModel(networks, layout, 'weights.bin'));
  const count = (op: string) => meta.graphDef.node.filter((node) => node.op === op).length;
  assert.deepEqual(['ImmutableConst', 'VarHandleOp', 'AssignVariableOp'].map(count), [1, 1, 1]);
  const [main] = meta.collectionDef.saved_model_main_op.nodeList.value;
  const init = meta.graphDef.node.find(({ name }) => name === main);
  assert.equal(init?.input.length, 1);
});

test('weights of one shape that fill their rows are one node’s outputs, others are nodes', async () => {
  const { graphDef } = await decode(encodeSavedModel(networks, layout, 'weights.bin'));
  const read = (name: string) => graphDef.node.find((node) => node.name === name)?.input[1];
  const [stack] = graphDef.node.filter(({ op }) => op === 'Unpack');
  // The large network's bias and slope, of 16 numbers each, a row; the small one's are of 2.
  assert.equal(read('large/conv'), `${stack?.name}:0`);
  assert.equal(read('large/answer/scaled'), `${stack?.name}:1`);
  assert.equal(read('small/conv'), 'small/conv/bias');
  assert.equal(graphDef.node.filter(({ op }) => op === 'Unpack').length, 1);
});

test('what is stored in fewer bits becomes a variable when the model is loaded', async () => {
  const halves = layoutWeights(networks, ({ name }) =>
    name === 'large/conv/filter' ? 'float16' : 'float32',
  );
  const meta = await decode(encodeSavedModel(networks, halves, 'weights.bin'));
  const variables = meta.graphDef.node.filter(({ op }) => op === 'VarHandleOp');
  assert.equal(variables.length, 2);
  const [main] = meta.collectionDef.saved_model_main_op.nodeList.value;
  assert.equal(meta.graphDef.node.find(({ name }) => name === main)?.input.length, 2);
});

test('a compressed weights file is unpacked between reading and decoding', async () => {
  const compressed = layoutWeights(networks, undefined, true);
  const { graphDef } = await decode(encodeSavedModel(networks, compressed, 'weights.bin'));
  const only = (op: string) => graphDef.node.find((node) => node.op === op)!;
  assert.deepEqual(only('DecodeCompressed').input, [only('ReadFile').name]);
  assert.deepEqual(only('DecodeRaw').input, [only('DecodeCompressed').name]);
});

test('PReLU, which TensorFlow lacks, is a maximum, and a sum where a slope is above 1', async () => {
  const ops = async (slope: number) => {
    const one = network('one', 2, slope);
    const model = encodeSavedModel([one], layoutWeights([one]), 'weights.bin');
    const { graphDef } = await decode(model);
    assert.ok(graphDef.node.every(({ op }) => op !== 'Prelu'));
    return graphDef.node.find(({ name }) => name === 'one/answer')?.op;
  };
  assert.equal(await ops(1), 'Maximum');
  assert.equal(await ops(1.01), 'AddV2');
});

test('tfjs learns of every byte of the weights file', () => {
  const model = JSON.parse(
    Buffer.from(encodeGraphModel(networks, [{ layout, path: 'weights.bin' }])).toString(),
  );
  const specs: { name: string; shape: number[] }[] = model.weightsManifest[0].weights;
  const length = ({ shape }: { shape: number[] }) => shape.reduce((all, one) => all * one, 1);
  const ends = new Map<string, number>();
  let at = 0;
  for (const one of specs) {
    at += 4 * length(one);
    ends.set(one.name, at);
  }
  assert.equal(ends.get('small/conv/filter'), 2 * 4);
  assert.equal(ends.get('small/conv/filter/padding'), 64);
  assert.equal(ends.get('large/answer/slope'), 6 * 64);
});

test('the same networks give the same bytes', () => {
  const again = [network('small', 2), network('large', 16)];
  const layoutAgain = layoutWeights(again);
  assert.deepEqual(
    encodeSavedModel(again, layoutAgain, 'weights.bin'),
    encodeSavedModel(networks, layout, 'weights.bin'),
  );
  assert.deepEqual(
    encodeGraphModel(again, [{ layout: layoutAgain, path: 'weights.bin' }]),
    encodeGraphModel(networks, [{ layout, path: 'weights.bin' }]),
  );
});
