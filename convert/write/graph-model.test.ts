import assert from 'node:assert/strict';
import { test } from 'node:test';
import { biasTransform, foldConvolution } from '../networks/fold-batch-norm.ts';
import { NetworkBuilder } from '../networks/network-builder.ts';
import { fuse } from './graph-model.ts';

const layer = foldConvolution(Float32Array.of(1), [1, 1, 1, 1], biasTransform(Float32Array.of(0)));
const plain = { stride: 1, padding: 'SAME' } as const;
const ops = (builder: NetworkBuilder, outputs: string[]) =>
  fuse(builder.finish(outputs.map((name) => ({ name, shape: [-1, 1, 1, 1] })))).map(
    ({ name, op }) => `${op} ${name}`,
  );

test('a convolution, its bias and its activation become one node with the name of the last', () => {
  const builder = new NetworkBuilder('net');
  const x = builder.convolution('conv', builder.input('x', [-1, 1, 1, 1]), layer, plain);
  builder.prelu('out', x, Float32Array.of(2));
  const network = builder.finish([{ name: 'out', shape: [-1, 1, 1, 1] }]);
  const [input, fused, ...rest] = fuse(network);
  assert.equal(input?.op, 'Placeholder');
  assert.deepEqual(rest, []);
  assert.equal(fused?.op, '_FusedConv2D');
  assert.equal(fused.name, 'net/out');
  assert.deepEqual(fused.inputs, ['net/x', 'net/conv/filter', 'net/conv/bias', 'net/out/slope']);
  assert.deepEqual(fused.attributes.fused_ops, { texts: ['BiasAdd', 'Prelu'] });
  assert.deepEqual(fused.attributes.num_args, { int: 2 });
});

test('an activation is left alone when something else reads what goes into it', () => {
  const builder = new NetworkBuilder('net');
  const x = builder.convolution('conv', builder.input('x', [-1, 1, 1, 1]), layer, plain);
  builder.add('sum', builder.relu('relu', x), x);
  assert.deepEqual(ops(builder, ['sum']), [
    'Placeholder net/x',
    '_FusedConv2D net/conv',
    'Relu net/relu',
    'AddV2 net/sum',
  ]);
});

test('an output keeps its name though an activation follows it', () => {
  const builder = new NetworkBuilder('net');
  const x = builder.convolution('conv', builder.input('x', [-1, 1, 1, 1]), layer, plain);
  builder.relu('relu', x);
  assert.deepEqual(ops(builder, ['conv', 'relu']), [
    'Placeholder net/x',
    '_FusedConv2D net/conv',
    'Relu net/relu',
  ]);
});
