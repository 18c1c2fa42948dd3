import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { memory } from '@tensorflow/tfjs-core';
import { modelDirectory } from '../../test/model.fixture.ts';
import { faceValues } from '../encoder.fixture.ts';
import type { Networks } from '../networks.ts';
import { openNetworks } from './open-networks.ts';

/** Seeded values from −1 to 1 (mulberry32), so that a failure can be seen again. */
function noise(length: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

function assertNear(actual: Float32Array, expected: Float32Array, tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  const off = actual.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))),
    0,
  );
  assert.ok(off <= tolerance, `off by ${off}`);
}

describe('the two backends', { timeout: 120_000 }, () => {
  let tensorflow: Networks;
  let wasm: Networks;
  before(async () => {
    const directory = await modelDirectory();
    tensorflow = await openNetworks(directory, { backend: 'tensorflow' });
    wasm = await openNetworks(directory, { backend: 'wasm' });
  });
  after(() => {
    tensorflow.dispose();
    wasm.dispose();
  });

  it('agree on P-Net for images of odd and even sizes', () => {
    for (const [height, width] of [
      [12, 12],
      [13, 40],
      [41, 30],
    ] as const) {
      const image = noise(height * width * 3);
      const one = tensorflow.propose(image, height, width);
      const other = wasm.propose(image, height, width);
      assert.deepEqual([one.height, one.width], [other.height, other.width]);
      assert.equal(one.probability.length, one.height * one.width * 2);
      assertNear(one.probability, other.probability);
      assertNear(one.regression, other.regression);
    }
  });

  it('agree on R-Net and O-Net for one crop and several', () => {
    for (const count of [1, 7]) {
      const small = noise(count * 24 * 24 * 3);
      const large = noise(count * 48 * 48 * 3);
      const [r, s] = [tensorflow.refine(small, count), wasm.refine(small, count)];
      const [o, p] = [tensorflow.output(large, count), wasm.output(large, count)];
      assert.deepEqual([r.probability.length, o.landmarks.length], [2 * count, 10 * count]);
      assertNear(r.probability, s.probability);
      assertNear(r.regression, s.regression);
      assertNear(o.probability, p.probability);
      assertNear(o.regression, p.regression);
      assertNear(o.landmarks, p.landmarks);
    }
  });

  it('agree on embeddings, which do not depend on the batch', () => {
    const { encoder } = tensorflow;
    const faces = noise(2 * faceValues(encoder));
    const both = tensorflow.embed(faces, 2);
    const half = encoder.embeddingLength;
    assertNear(both, wasm.embed(faces, 2));
    assertNear(tensorflow.embed(faces.subarray(0, faces.length / 2), 1), both.slice(0, half));
    if (!encoder.normalised) return;
    for (const embedding of [both.subarray(0, half), both.subarray(half)]) {
      assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
    }
  });

  it('refuse an input that has another shape than it says, or none, and compute on', () => {
    for (const networks of [tensorflow, wasm]) {
      const expected = networks.refine(noise(24 * 24 * 3), 1);
      for (const call of [
        () => networks.propose(noise(10 * 40 * 3), 10, 40),
        () => networks.propose(noise(13 * 13 * 3), 13, 14),
        () => networks.propose(noise(12.5 * 20 * 3), 12.5, 20),
        () => networks.refine(noise(24 * 24 * 3), 2),
        () => networks.output(noise(0), 0),
        () => networks.embed(noise(faceValues(networks.encoder) - 3), 1),
      ]) {
        assert.throws(call, RangeError);
      }
      assert.deepEqual(networks.refine(noise(24 * 24 * 3), 1), expected);
    }
  });

  it('leave no tensor behind, whichever network runs', () => {
    const calls: readonly ((networks: Networks) => unknown)[] = [
      (networks) => networks.propose(noise(20 * 20 * 3), 20, 20),
      (networks) => networks.refine(noise(2 * 24 * 24 * 3), 2),
      (networks) => networks.output(noise(48 * 48 * 3), 1),
      (networks) => networks.embed(noise(faceValues(networks.encoder)), 1),
    ];
    for (const networks of [tensorflow, wasm]) {
      for (const call of calls) {
        call(networks);
        const before = memory().numTensors;
        for (let i = 0; i < 3; i++) call(networks);
        assert.equal(memory().numTensors, before, `${networks.backend}: ${call}`);
      }
    }
  });

  it('throw once disposed of, and leave no tensor behind then either', async () => {
    for (const backend of ['tensorflow', 'wasm'] as const) {
      const networks = await openNetworks(await modelDirectory(), { backend });
      networks.dispose();
      const before = memory().numTensors;
      assert.throws(() => networks.refine(noise(24 * 24 * 3), 1));
      assert.equal(memory().numTensors, before, backend);
    }
  });

  it('stay usable whichever was opened last, and when another of theirs is disposed of', async () => {
    const crops = noise(24 * 24 * 3);
    const expected = tensorflow.refine(crops, 1).probability;
    const more = await Promise.all(
      (['tensorflow', 'wasm', 'tensorflow', 'wasm'] as const).map(async (backend) =>
        openNetworks(await modelDirectory(), { backend }),
      ),
    );
    assert.deepEqual(
      more.map(({ backend }) => backend),
      ['tensorflow', 'wasm', 'tensorflow', 'wasm'],
    );
    for (const networks of more) {
      assertNear(networks.refine(crops, 1).probability, expected);
      networks.dispose();
    }
    assertNear(tensorflow.refine(crops, 1).probability, expected);
    assertNear(wasm.refine(crops, 1).probability, expected);
  });
});

describe('the first opening in a process', { timeout: 120_000 }, () => {
  it('may be of several at once', async () => {
    const { spawnSync } = await import('node:child_process');
    const program = `
      const { openNetworks } = await import('${new URL('./open-networks.ts', import.meta.url)}');
      const open = (backend) => openNetworks(process.argv[1], { backend });
      const all = await Promise.all(['wasm', 'wasm', 'tensorflow', 'auto', 'wasm'].map(open));
      const crops = new Float32Array(24 * 24 * 3);
      for (const networks of all) console.log(networks.backend, networks.refine(crops, 1).probability.length);
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', program, await modelDirectory()],
      { encoding: 'utf8' },
    );
    const expected = ['wasm 2', 'wasm 2', 'tensorflow 2', 'tensorflow 2', 'wasm 2'];
    assert.deepEqual(stdout.trim().split('\n'), expected, stderr);
    // Neither engine greets, warns or logs.
    assert.equal(stderr, '');
  });
});
