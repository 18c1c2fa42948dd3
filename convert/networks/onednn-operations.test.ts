import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Network } from './graph.ts';
import { NetworkBuilder } from './network-builder.ts';
import { withFusedConvolutions, withOneDnnPools } from './onednn-operations.ts';

const weights = {
  filter: new Float32Array(4),
  filterShape: [1, 1, 2, 2],
  bias: new Float32Array(2),
};
const options = { stride: 1, padding: 'SAME' } as const;

/** The network's own nodes, in words. */
function shapeOf(network: Network): string[] {
  return withFusedConvolutions(network).nodes.map(({ name, op, inputs, attributes }) => {
    const fused = attributes.fused_ops;
    const parts = fused && 'texts' in fused ? `[${fused.texts.join(' ')}]` : '';
    return `${name.slice(2)} = ${op}${parts}(${inputs.map((one) => one.slice(2)).join(' ')})`;
  });
}

describe('fusing convolutions', () => {
  it('takes the bias, what is added and the ReLU in, under the name of the last', () => {
    const builder = new NetworkBuilder('n');
    const x = builder.input('x', [-1, 8, 8, 2]);
    const first = builder.relu('a/relu', builder.convolution('a', x, weights, options));
    const second = builder.convolution('b', first, weights, options);
    const sum = builder.relu('s/relu', builder.add('s', second, first));
    builder.convolution('c', sum, weights, options);
    const network = builder.finish([{ name: 'c', shape: [-1, 8, 8, 2] }]);
    assert.deepEqual(shapeOf(network), [
      'x = Placeholder()',
      'a/relu = _MklNativeFusedConv2D[BiasAdd Relu](x a/filter a/bias)',
      's/relu = _MklNativeFusedConv2D[BiasAdd Add Relu](a/relu b/filter b/bias a/relu)',
      'c = _MklNativeFusedConv2D[BiasAdd](s/relu c/filter c/bias)',
    ]);
  });

  it('leaves alone what something else reads too', () => {
    const builder = new NetworkBuilder('n');
    const x = builder.input('x', [-1, 8, 8, 2]);
    const map = builder.convolution('a', x, weights, options);
    builder.add('both', builder.relu('a/relu', map), map);
    const network = builder.finish([{ name: 'both', shape: [-1, 8, 8, 2] }]);
    assert.deepEqual(shapeOf(network), [
      'x = Placeholder()',
      'a = _MklNativeFusedConv2D[BiasAdd](x a/filter a/bias)',
      'a/relu = Relu(a)',
      'both = AddV2(a/relu a)',
    ]);
  });
});

it('poolings are named as oneDNN’s, with what TensorFlow’s had, and nothing else is touched', () => {
  const builder = new NetworkBuilder('n');
  const x = builder.relu('a', builder.input('x', [-1, 8, 8, 2]));
  builder.maxPool('pool', x, 3, 2, 'SAME');
  const network = builder.finish([{ name: 'pool', shape: [-1, 4, 4, 2] }]);
  const [, relu, pool] = withOneDnnPools(network).nodes;
  assert.equal(relu, network.nodes[1]);
  assert.equal(pool?.op, '_MklNativeMaxPool');
  assert.deepEqual(pool.inputs, ['n/a']);
  for (const [name, value] of Object.entries(network.nodes[2]!.attributes)) {
    assert.equal(pool.attributes[name], value);
  }
});
