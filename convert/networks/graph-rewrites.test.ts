/** A rewritten graph answers as the network did. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Network } from './graph.ts';
import { withFactorsApart, withFusedConvolutions, withOneDnnPools } from './graph-rewrites.ts';
import { NetworkBuilder } from './network-builder.ts';

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

const LEVELS = { data: Uint8Array.of(0, 100, 200, 255), scale: 0.01, min: -1 };

/** Two outputs of two inputs, 1x1: convolution, bias and, where asked for, ReLU. */
function network(factors: Float32Array, relu: boolean): Network {
  const builder = new NetworkBuilder('net');
  const x = builder.input('x', [-1, 1, 1, 2]);
  const filter = Float32Array.from(
    LEVELS.data,
    (level, at) => (level * LEVELS.scale + LEVELS.min) * factors[at % 2]!,
  );
  const weights = {
    filter,
    filterShape: [1, 1, 2, 2],
    bias: Float32Array.of(0.5, -3),
    levels: { ...LEVELS, factors },
  };
  const sum = builder.convolution('conv', x, weights, { stride: 1, padding: 'VALID' });
  const last = relu ? builder.relu('relu', sum) : sum;
  builder.maxPool('pool', last, 1, 1, 'VALID');
  return builder.finish([{ name: 'pool', shape: [-1, 1, 1, 2] }]);
}

/** What such a network answers for an input of two values. */
function answer({ nodes, weights }: Network, x: readonly number[]): number[] {
  const data = (name: string) => weights.find((one) => one.name === name)?.data;
  const values = new Map<string, number[]>([['net/x', [...x]]]);
  for (const { name, op, inputs } of nodes) {
    const from = values.get(inputs[0] ?? '') ?? [];
    const weight = data(inputs[1] ?? '');
    if (op === 'Conv2D') {
      values.set(
        name,
        [0, 1].map((o) => x[0]! * weight![o]! + x[1]! * weight![2 + o]!),
      );
    } else if (op === 'BiasAdd')
      values.set(
        name,
        from.map((v, at) => v + weight![at]!),
      );
    else if (op === 'Mul')
      values.set(
        name,
        from.map((v, at) => v * weight![at]!),
      );
    else if (op === 'Relu')
      values.set(
        name,
        from.map((v) => Math.max(v, 0)),
      );
    else if (op === 'MaxPool') values.set(name, from);
  }
  return values.get('net/pool')!;
}

for (const relu of [false, true]) {
  test(`${relu ? 'with' : 'without'} a ReLU the answers are the same`, () => {
    const whole = network(Float32Array.of(3, 0.25), relu);
    const apart = withFactorsApart(whole);
    for (const x of [
      [1, 1],
      [-2, 0.5],
      [4, -3],
    ]) {
      const [expected, found] = [answer(whole, x), answer(apart, x)];
      for (const [at, value] of expected.entries()) {
        assert.ok(Math.abs(found[at]! - value) < 1e-5, `${found} for ${expected}`);
      }
    }
    const filter = apart.weights.find(({ name }) => name === 'net/conv/filter');
    assert.deepEqual(filter?.levels?.factors, Float32Array.of(1, 1));
    assert.equal(apart.nodes.filter(({ op }) => op === 'Mul').length, 1);
  });
}

test('filters whose factors are all 1 stay as they are', () => {
  const whole = network(Float32Array.of(1, 1), true);
  assert.deepEqual(withFactorsApart(whole).nodes, whole.nodes);
});

test('a factor that a ReLU does not let through is refused', () => {
  assert.throws(
    () => withFactorsApart(network(Float32Array.of(1, -2), true)),
    /net\/conv\/product/,
  );
});
