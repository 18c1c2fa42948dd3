/** The compact encoder's graph has its published layers, and weights of anything else are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckpointError } from '../errors.ts';
import type { TfjsTensor } from '../write/tfjs-weights.ts';
import { buildCompactEncoder } from './compact-network.ts';
import { compactWeights } from './compact-weights.fixture.ts';

const FILE = 'face_recognition_model.bin';

test('it has 29 convolutions, all stored in the 8 bits that they were published in', () => {
  const weights = compactWeights();
  assert.equal(weights.size, 117);
  const network = buildCompactEncoder(FILE, weights);
  const convolutions = network.nodes.filter(({ op }) => op === 'Conv2D');
  assert.equal(convolutions.length, 29);
  for (const { inputs } of convolutions) {
    const filter = network.weights.find(({ name }) => name === inputs[1])!;
    const name = filter.name.replace(/^encoder\/(.*)\/filter$/, '$1/conv/filters');
    assert.equal(filter.levels?.data, weights.get(name)?.levels?.data, name);
  }
  assert.deepEqual(network.input.shape, [-1, 150, 150, 3]);
  assert.deepEqual(network.outputs, [{ name: 'encoder/embedding', shape: [-1, 128] }]);
});

test('the levels and factors of a filter are what its values were computed from', () => {
  const { weights } = buildCompactEncoder(FILE, compactWeights());
  for (const { name, data, levels } of weights) {
    if (levels === undefined) continue;
    const { data: stored, scale, min, factors } = levels;
    for (let at = 0; at < data.length; at += 997) {
      const value = (stored[at]! * scale + min) * factors[at % factors.length]!;
      assert.ok(Math.abs(data[at]! - value) <= 1e-6 * Math.max(1, Math.abs(value)), name);
    }
  }
});

test('only where the sizes of the two ways of a block differ is the smaller one filled up', () => {
  const { nodes } = buildCompactEncoder(FILE, compactWeights());
  const borders = nodes.filter(({ name, op }) => op === 'Pad' && name.endsWith('/border'));
  assert.deepEqual(
    borders.map(({ name }) => name),
    ['encoder/conv256_down/border', 'encoder/conv256_down_out/border'],
  );
  const channels = nodes.filter(({ name, op }) => op === 'Pad' && name.endsWith('/channels'));
  assert.equal(channels.length, 3);
});

const SCALE = 'conv128_1/conv2/scale/weights';
for (const [what, change, message] of [
  [
    'a missing tensor',
    (all: Map<string, TfjsTensor>) => all.delete(SCALE),
    /no parameter conv128_1/,
  ],
  [
    'a tensor of another shape',
    (all: Map<string, TfjsTensor>) => all.set('fc', { shape: [2], data: new Float32Array(2) }),
    /fc of shape \[2\], where \[256, 128\]/,
  ],
  [
    'a tensor that no layer has',
    (all: Map<string, TfjsTensor>) => all.set('conv512', { shape: [1], data: new Float32Array(1) }),
    /the parameter conv512/,
  ],
  [
    'a value that is not finite',
    (all: Map<string, TfjsTensor>) => all.get('fc')!.data.fill(Number.NaN, 7, 8),
    /values in fc that are not finite/,
  ],
  [
    'a scale of 0',
    (all: Map<string, TfjsTensor>) => all.get(SCALE)!.data.fill(0, 3, 4),
    /conv128_1\/conv2\/scale\/weights that is not above 0/,
  ],
] as const) {
  test(`${what} is refused by its name`, () => {
    const weights = compactWeights();
    change(weights);
    assert.throws(
      () => buildCompactEncoder(FILE, weights),
      (error) => {
        assert.ok(error instanceof CheckpointError);
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(FILE));
        return true;
      },
    );
  });
}
