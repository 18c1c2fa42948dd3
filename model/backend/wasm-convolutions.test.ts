/** Each convolution gives what TensorFlow.js gives for it. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { startWasm } from './wasm.ts';

type Started = Awaited<ReturnType<typeof startWasm>>;

let seed = 3;
function randoms(length: number): Float32Array {
  return Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 31 - 1;
  });
}

interface Layer {
  readonly input: [number, number, number, number];
  readonly filter: [number, number];
  readonly outputs: number;
  readonly stride?: number;
  readonly pad?: 'same' | 'valid';
  readonly activation?: 'relu' | 'linear' | 'prelu';
}

const layers: Record<string, Layer> = {
  'of single pixels': { input: [1, 6, 6, 64], filter: [1, 1], outputs: 32 },
  'whose pixels fill no whole tile': { input: [1, 5, 7, 8], filter: [1, 1], outputs: 8 },
  'without padding': { input: [1, 9, 11, 16], filter: [3, 3], outputs: 24 },
  'with padding': { input: [1, 9, 11, 16], filter: [3, 3], outputs: 24, pad: 'same' },
  'along rows': { input: [1, 13, 13, 8], filter: [1, 7], outputs: 16, pad: 'same' },
  'along columns': { input: [1, 13, 13, 8], filter: [7, 1], outputs: 16, pad: 'same' },
  'with stride 2': { input: [1, 13, 14, 12], filter: [3, 3], outputs: 8, stride: 2 },
  'with stride 2 and padding': {
    input: [1, 13, 14, 12],
    filter: [3, 3],
    outputs: 8,
    stride: 2,
    pad: 'same',
  },
  'of several images': { input: [3, 7, 5, 4], filter: [3, 3], outputs: 8, pad: 'same' },
  'without activation': {
    input: [2, 6, 6, 4],
    filter: [3, 3],
    outputs: 8,
    activation: 'linear',
  },
  'left to TensorFlow.js for its three inputs': {
    input: [1, 8, 8, 3],
    filter: [3, 3],
    outputs: 8,
  },
  'left to it for its ten outputs': { input: [1, 8, 8, 8], filter: [3, 3], outputs: 10 },
  'left to it for its PReLU': {
    input: [1, 8, 8, 8],
    filter: [3, 3],
    outputs: 8,
    activation: 'prelu',
  },
};

describe('a convolution on wasm', { timeout: 60_000 }, () => {
  let tf: Started['tf'];
  let adopt: NonNullable<Started['adopt']>;
  before(async () => {
    const started = await startWasm();
    tf = started.tf;
    assert.ok(
      started.adopt,
      'this engine has relaxed SIMD, and the backend still shows its memory',
    );
    adopt = started.adopt;
  });

  for (const [name, layer] of Object.entries(layers)) {
    it(name, () => {
      const { input, filter, outputs, stride = 1, pad = 'valid', activation = 'relu' } = layer;
      const values = randoms(input.reduce((product, side) => product * side, 1));
      const weights = randoms(filter[0] * filter[1] * input[3] * outputs);
      const x = tf.tensor4d(values, input);
      const kernel = tf.tensor4d(weights, [...filter, input[3], outputs]);
      const bias = tf.tensor1d(randoms(outputs));
      const slopes = activation === 'prelu' ? tf.tensor1d(randoms(outputs)) : undefined;
      const run = (): Float32Array => {
        const answer: Tensor4D = tf.fused.conv2d({
          x,
          filter: kernel,
          strides: stride,
          pad,
          bias,
          activation,
          ...(slopes && { preluActivationWeights: slopes }),
        });
        const data = answer.dataSync().slice();
        answer.dispose();
        return data as Float32Array;
      };
      const expected = run();
      adopt([kernel]);
      // The first call rearranges the filter, the second finds it so.
      for (const found of [run(), run()]) {
        assert.equal(found.length, expected.length);
        for (const [at, value] of expected.entries()) {
          assert.ok(Math.abs(found[at]! - value) < 1e-4, `${at}: ${value} and ${found[at]}`);
        }
      }
      tf.dispose([x, kernel, bias, slopes ?? []]);
    });
  }

  it('rearranges a filter that was given to it, and no other', () => {
    const x = tf.tensor4d(randoms(4 * 4 * 4), [1, 4, 4, 4]);
    const bias = tf.zeros([16]) as ReturnType<typeof tf.tensor1d>;
    const values = randoms(4 * 16);
    const [own, others] = [values, values].map((some) => tf.tensor4d(some, [1, 1, 4, 16]));
    adopt([own!]);
    for (const filter of [own!, others!]) {
      tf.fused.conv2d({ x, filter, strides: 1, pad: 'valid', bias, activation: 'relu' }).dispose();
    }
    assert.deepEqual(others!.dataSync(), values);
    assert.notDeepEqual(own!.dataSync(), values);
    tf.dispose([x, bias, own!, others!]);
  });
});
