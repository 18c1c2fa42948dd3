import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../checkpoint/tensor.ts';
import { CheckpointError } from '../errors.ts';
import { buildProposalNetwork } from './detection-networks.ts';
import { Parameters } from './parameters.ts';

const shapes: Record<string, number[]> = {
  'conv1.weight': [10, 3, 3, 3],
  'conv1.bias': [10],
  'prelu1.weight': [10],
  'conv2.weight': [16, 10, 3, 3],
  'conv2.bias': [16],
  'prelu2.weight': [16],
  'conv3.weight': [32, 16, 3, 3],
  'conv3.bias': [32],
  'prelu3.weight': [32],
  'conv4_1.weight': [2, 32, 1, 1],
  'conv4_1.bias': [2],
  'conv4_2.weight': [4, 32, 1, 1],
  'conv4_2.bias': [4],
};

function proposalState(): Map<string, Tensor> {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const data = Float32Array.from({ length: count }, (_, at) => Math.sin(at + name.length));
      return [name, { shape, data }];
    }),
  );
}

/** Checks that the state dict is refused in a sentence that names the file and everything given. */
function refuses(state: Map<string, Tensor>, ...words: string[]): void {
  assert.throws(
    () => buildProposalNetwork('/photos/pnet.pt', state),
    (error) => {
      assert.ok(error instanceof CheckpointError, String(error));
      for (const word of ['/photos/pnet.pt', ...words]) {
        assert.ok(error.message.includes(word), `${error.message} does not name ${word}`);
      }
      return true;
    },
  );
}

test('a whole state dict becomes a network with all of its parameters', () => {
  const network = buildProposalNetwork('pnet.pt', proposalState());
  assert.equal(network.weights.length, Object.keys(shapes).length);
  assert.deepEqual(
    network.outputs.map(({ name }) => name),
    ['pnet/probability', 'pnet/regression'],
  );
});

test('a missing parameter is named', () => {
  const state = proposalState();
  state.delete('conv3.bias');
  refuses(state, 'conv3.bias');
});

test('a parameter of another shape is named with both shapes', () => {
  const state = proposalState();
  state.set('conv2.weight', { shape: [16, 3, 3, 10], data: new Float32Array(16 * 90) });
  refuses(state, 'conv2.weight', '[16, 3, 3, 10]', '[16, 10, 3, 3]');
});

test('a parameter in whole numbers is refused', () => {
  const state = proposalState();
  state.set('conv1.bias', { shape: [10], data: new Int32Array(10) });
  refuses(state, 'conv1.bias', 'whole numbers');
});

test('a value that is not finite is refused', () => {
  const state = proposalState();
  state.set('prelu2.weight', { shape: [16], data: new Float32Array(16).fill(Number.NaN) });
  refuses(state, 'prelu2.weight', 'not finite');
});

test('a parameter that the network does not know is named', () => {
  const state = proposalState();
  state.set('conv5.weight', { shape: [1], data: new Float32Array(1) });
  refuses(state, 'conv5.weight');
});

test('what a checkpoint may hold besides is passed over', () => {
  const tensor = { shape: [1], data: new Float32Array(1) };
  const parameters = new Parameters('encoder.pt', new Map([['logits.weight', tensor]]));
  assert.doesNotThrow(() => parameters.finish(/^logits\./));
  assert.throws(() => parameters.finish(/^other\./), CheckpointError);
});

const prefixed = (prefix: string): Map<string, Tensor> =>
  new Map([...proposalState()].map(([name, tensor]) => [prefix + name, tensor]));

for (const prefix of ['module.', '_orig_mod.', 'model.', 'net.module._orig_mod.']) {
  test(`what stands before all names is passed over: ${prefix}`, () => {
    assert.deepEqual(
      buildProposalNetwork('pnet.pt', prefixed(prefix)).weights,
      buildProposalNetwork('pnet.pt', proposalState()).weights,
    );
  });
}

test('what stands beside a network that has a prefix of its own is passed over', () => {
  const head = { shape: [1], data: Float32Array.of(1) };
  const state = prefixed('backbone.').set('head.weight', head).set('n_averaged', head);
  assert.deepEqual(
    buildProposalNetwork('pnet.pt', state).weights,
    buildProposalNetwork('pnet.pt', proposalState()).weights,
  );
  state.set('backbone.extra', head);
  refuses(state, 'backbone.extra');
});

test('several networks in one file are named', () => {
  refuses(new Map([...prefixed('teacher.'), ...prefixed('student.')]), 'teacher.', 'student.');
});
