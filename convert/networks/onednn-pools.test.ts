import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkBuilder } from './network-builder.ts';
import { withOneDnnPools } from './onednn-pools.ts';

test('poolings are named as oneDNN’s, with what TensorFlow’s had, and nothing else is touched', () => {
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
