import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { z } from 'zod';
import { biasTransform, foldConvolution } from './fold.ts';
import { encodeGraphModel } from './graph-model.ts';
import { NetworkBuilder } from './network-builder.ts';
import { encodeSavedModel } from './saved-model.ts';
import { layoutWeights } from './weights.ts';

/** One convolution of 1 x 1 from one channel to `outputs`, then PReLU. */
function network(name: string, outputs: number) {
  const builder = new NetworkBuilder(name);
  const layer = foldConvolution(
    Float32Array.from({ length: outputs }, (_, at) => at),
    [outputs, 1, 1, 1],
    biasTransform(new Float32Array(outputs)),
  );
  const input = builder.input('image', [-1, -1, -1, 1]);
  const x = builder.convolution('conv', input, layer, { stride: 1, padding: 'VALID' });
  builder.prelu('answer', x, new Float32Array(outputs));
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
      assetFileDef: z.tuple([
        z.object({ filename: z.string(), tensorInfo: z.object({ name: z.string() }) }),
      ]),
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

test('the weights file is read and decoded once for all variables', async () => {
  const meta = await decode(encodeSavedModel(networks, layout, 'weights.bin'));
  const count = (op: string) => meta.graphDef.node.filter((node) => node.op === op).length;
  assert.deepEqual(
    ['ReadFile', 'DecodeRaw', 'AssignVariableOp', 'VarHandleOp'].map(count),
    [1, 1, 6, 6],
  );
  assert.equal(meta.assetFileDef[0].filename, 'weights.bin');
  const [main] = meta.collectionDef.saved_model_main_op.nodeList.value;
  const init = meta.graphDef.node.find(({ name }) => name === main);
  assert.equal(init?.input.length, 6);
});

test('PReLU, which TensorFlow lacks, is spelt out', async () => {
  const { graphDef } = await decode(encodeSavedModel(networks, layout, 'weights.bin'));
  assert.ok(graphDef.node.every(({ op }) => op !== 'Prelu'));
  assert.equal(graphDef.node.find(({ name }) => name === 'small/answer')?.op, 'AddV2');
});

test('the largest network comes first in the weights file, without gaps', () => {
  assert.deepEqual(
    layout.weights.map(({ weight, offset }) => [weight.name, offset]),
    [
      ['large/conv/filter', 0],
      ['large/conv/bias', 16],
      ['large/answer/slope', 32],
      ['small/conv/filter', 48],
      ['small/conv/bias', 50],
      ['small/answer/slope', 52],
    ],
  );
});

test('the same networks give the same bytes', () => {
  const again = [network('small', 2), network('large', 16)];
  const layoutAgain = layoutWeights(again);
  assert.deepEqual(
    encodeSavedModel(again, layoutAgain, 'weights.bin'),
    encodeSavedModel(networks, layout, 'weights.bin'),
  );
  assert.deepEqual(
    encodeGraphModel(again, layoutAgain, 'assets/weights.bin'),
    encodeGraphModel(networks, layout, 'assets/weights.bin'),
  );
});
