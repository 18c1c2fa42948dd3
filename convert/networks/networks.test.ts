import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { openNetworks } from '../../model/backend/open-networks.ts';
import { BackendError } from '../../model/errors.ts';
import type { Networks } from '../../model/networks.ts';
import { readSettings } from '../../runtime/settings.ts';
import { facenetMissing, modelDirectory, modelEncoder } from '../../test/model.fixture.ts';
import { readStateDict } from '../checkpoint/read-checkpoint.ts';
import type { StateDict, Tensor } from '../checkpoint/tensor.ts';
import { CheckpointError } from '../errors.ts';
import { answersOf, readReference } from '../self-test/reference.ts';
import { type Deviations, deviationsOf } from '../self-test/self-test.ts';
import { encoderFiles, findModelData } from '../sources/model-data.ts';
import { buildEncoder } from './encoder-network.ts';
import { elementCount } from './graph.ts';

/**
 * Measured: 2e-7 for outputs of the detection networks; for the whole embedding 1.1e-6 of facenet and
 * 1.3e-5 of compact, which is not normalised.
 */
const DETECTION = { pnet: 2e-6, rnet: 2e-6, onet: 2e-6 };
const LIMITS: Deviations = {
  ...DETECTION,
  encoder: (await modelEncoder()) === 'facenet' ? 1e-5 : 1e-4,
};

for (const backend of ['tensorflow', 'wasm'] as const) {
  describe(`on ${backend}`, { timeout: 120_000 }, () => {
    let networks: Networks | undefined;
    let deviations: Deviations | undefined;
    let unavailable = '';

    before(async () => {
      try {
        networks = await openNetworks(await modelDirectory(), { backend });
        deviations = deviationsOf(answersOf(networks), readReference(networks.encoder.kind));
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        unavailable = error.message;
      }
    });
    after(() => networks?.dispose());

    for (const name of Object.keys(LIMITS) as (keyof Deviations)[]) {
      test(`${name} answers as its reference does`, (context: TestContext) => {
        if (deviations === undefined) return context.skip(unavailable);
        assert.ok(deviations[name] <= LIMITS[name], `off by ${deviations[name]}`);
      });
    }
  });
}

describe('facenet', { skip: await facenetMissing() }, () => {
  let state: StateDict;
  let path: string;
  before(async () => {
    const { encoder } = await findModelData({ checkpoints: readSettings().FACE_CHECKPOINTS });
    path = encoderFiles(encoder).encoder!;
    state = await readStateDict(path);
  });

  const withTensor = (name: string, tensor: Tensor): StateDict =>
    new Map([...state, [name, tensor]]);
  const without = (left: RegExp): StateDict =>
    new Map([...state].filter(([name]) => !left.test(name)));

  test('is the same with and without the classifier of the published file', () => {
    const classifier = { shape: [8631, 512], data: new Float32Array(0) };
    const published = buildEncoder(path, withTensor('logits.weight', classifier));
    const bare = buildEncoder(path, without(/^logits\./));
    assert.deepEqual(
      published.weights.map(({ name, shape }) => [name, shape]),
      bare.weights.map(({ name, shape }) => [name, shape]),
    );
  });

  test('has every batch norm folded away: a layer is its weights and one bias a channel', () => {
    const { weights } = buildEncoder(path, state);
    const layers = [...without(/^logits\./).values()].filter(({ shape }) => shape.length > 1);
    const expected = layers.reduce((sum, { shape }) => sum + elementCount(shape) + shape[0]!, 0);
    const count = weights.reduce((sum, { data }) => sum + data.length, 0);
    assert.equal(weights.length, 2 * layers.length);
    assert.equal(count, expected);
    assert.ok(weights.every(({ shape, data }) => elementCount(shape) === data.length));
  });

  test('stays in bfloat16 from its third to its last convolution, and keeps those biases exact too', () => {
    const { nodes, weights } = buildEncoder(path, state, 'bfloat16');
    assert.equal(nodes.filter(({ op }) => op === 'Cast').length, 2);
    const types = nodes.filter(({ op }) => op === 'Conv2D').map(({ attributes }) => attributes.T);
    assert.deepEqual(
      types.map((type) => isDeepStrictEqual(type, { type: 'float32' })),
      types.map((_, at) => at < 2),
    );
    const inHalf = weights.filter(({ name, type }) => type === 'bfloat16' && /bias$/.test(name));
    assert.equal(inHalf.length, types.length - 2);
    for (const { name, data } of inHalf) {
      const exact = weights.find((weight) => weight.name === `${name}/exact`);
      assert.equal(exact?.type, 'float32');
      const off = exact.data.map((value, at) => Math.abs(value - data[at]!) / Math.abs(value));
      assert.ok(Math.max(...off) <= 2 ** -8, name);
    }
  });

  test('sees all pixels that the last stride of its stem arrives at, and no more', () => {
    const { nodes, weights, constants } = buildEncoder(path, state);
    const last = nodes.findIndex(({ name }) => name === 'encoder/conv2d_4b/product');
    let side = 27;
    for (const { op, inputs, attributes } of nodes.slice(0, last + 1).reverse()) {
      if (op !== 'Conv2D' && op !== 'MaxPool') continue;
      const filter = weights.find(({ name }) => name === inputs[1]);
      const [, stride] = z.object({ ints: z.array(z.number()) }).parse(attributes.strides).ints;
      const { text } = z.object({ text: z.string() }).parse(attributes.padding);
      const kernel = filter?.shape[0] ?? 3;
      // What is padded lies beyond the upper left; the lower right is read.
      side = stride! * (side - 1) + (text === 'SAME' ? (kernel + 1) / 2 : kernel);
    }
    const size = constants.find(({ name }) => name === 'encoder/seen/size');
    assert.deepEqual([...size!.data], [-1, side, side, -1]);
  });

  test('is refused with a parameter missing or of another shape', () => {
    const name = 'repeat_2.7.branch1.2.bn.running_var';
    for (const broken of [
      without(/^repeat_2\.7\.branch1\.2\.bn\.running_var$/),
      withTensor(name, { shape: [127], data: new Float32Array(127) }),
    ]) {
      assert.throws(
        () => buildEncoder(path, broken),
        (error) =>
          error instanceof CheckpointError &&
          error.message.includes(path) &&
          error.message.includes(name),
      );
    }
  });
});
