/** The encoder's own kernels against plain loops, and against TensorFlow on the real weights. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { planOf } from '../../../convert/networks/encoder-plan.ts';
import type { Network, Weight } from '../../../convert/networks/graph.ts';
import { withFusedConvolutions } from '../../../convert/networks/graph-rewrites.ts';
import { NetworkBuilder } from '../../../convert/networks/network-builder.ts';
import { referenceImages } from '../../../convert/self-test/reference.ts';
import { ROW_BYTES, type Storage, stored } from '../../../convert/write/weights.ts';
import { facenetMissing, modelDirectory } from '../../../test/model.fixture.ts';
import { openNetworks } from '../../backend/open-networks.ts';
import type { Precision } from '../../format.ts';
import { cpuinfoHere } from '../machine.ts';
import { tfjsNodeFolder } from '../paths.ts';
import { addOwnAddon } from '../set-up/own-addons.ts';
import { findTools } from '../set-up/tools.ts';
import { openOwnEncoder, ownKernelsCompute, vectorsOf } from './encoder-addon.ts';
import { plainAnswers } from './plain-steps.fixture.ts';
import { type EncoderPlan, type PlanStep, type PlanWeights, planWeightsSchema } from './plan.ts';

const { compiler } = await findTools();
const cannot =
  platform() !== 'linux' || compiler === undefined || vectorsOf(cpuinfoHere()) === undefined
    ? 'needs Linux, a C++ compiler and AVX2'
    : false;

const missing = await facenetMissing();

const SIDE = 32;

/**
 * A stem, branches that are joined with a pooling, a sum in place, and the layers behind them.
 * @param precision of all but the stem and the last layers
 */
function smallNetwork(precision: Precision): Network {
  const builder = new NetworkBuilder('net');
  let seed = 1;
  const values = (count: number) =>
    Float32Array.from({ length: count }, () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 2 ** 32 - 0.5;
    });
  const convolution = (
    name: string,
    input: string,
    shape: readonly [number, number, number, number],
    stride = 1,
    padding: 'SAME' | 'VALID' = 'SAME',
  ) => {
    const filter = values(shape[0] * shape[1] * shape[2] * shape[3]);
    const weights = { filter, filterShape: shape, bias: values(shape[3]) };
    return builder.convolution(name, input, weights, { stride, padding });
  };
  const image = builder.corner('seen', builder.input('image', [-1, SIDE, SIDE, 3]), SIDE - 1);
  const first = builder.relu('stem/relu', convolution('stem', image, [3, 3, 3, 16], 2, 'VALID'));
  const stem = builder.cast('cast', first, precision);
  const x = builder.relu('x/relu', convolution('x', stem, [1, 1, 16, 80]));
  const wide = builder.relu('wide/relu', convolution('wide', x, [1, 1, 80, 16]));
  const tall = builder.relu('tall/relu', convolution('tall', wide, [1, 7, 16, 48]));
  const both = builder.relu('both/relu', convolution('both', tall, [7, 1, 48, 32]));
  const joined = builder.concat('join', [
    builder.relu('side/relu', convolution('side', x, [1, 1, 80, 16])),
    both,
  ]);
  const update = convolution('update', joined, [1, 1, 48, 80]);
  const sum = builder.relu('sum/relu', builder.add('sum', update, x));
  const half = builder.concat('half', [
    convolution('less', sum, [3, 3, 80, 64], 2, 'VALID'),
    builder.maxPool('pool', sum, 3, 2, 'VALID'),
  ]);
  const few = builder.cast(
    'features',
    convolution('few', builder.maxPool('fewer', half, 3, 2, 'VALID'), [3, 3, 144, 64]),
    'float32',
  );
  const weights = { matrix: values(64 * 32), matrixShape: [64, 32], bias: values(32) };
  const answer = builder.dense('dense', builder.globalAverage('mean', few), weights);
  builder.normalize('answer', answer, 1e-12);
  return builder.finish([{ name: 'answer', shape: [-1, 32] }]);
}

interface Planned {
  readonly plan: EncoderPlan;
  readonly weights: Float32Array;
}

/** The network's plan over its weights, which lie one after the other as in a model's file. */
function planned(network: Network, storageOf: (weight: Weight) => Storage): Planned {
  const places = new Map<string, PlanWeights>();
  let at = 0;
  const parts = network.weights.map((weight) => {
    const storage = storageOf(weight);
    const bytes = stored(weight, storage);
    places.set(weight.name, planWeightsSchema.parse({ at, storage }));
    at += (Math.ceil(bytes.byteLength / ROW_BYTES) * ROW_BYTES) / 4;
    return { bytes, begin: places.get(weight.name)!.at * 4 };
  });
  const file = new Uint8Array(at * 4);
  for (const { bytes, begin } of parts) {
    file.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), begin);
  }
  const plan = planOf(withFusedConvolutions(network), (name) => places.get(name)!);
  return { plan, weights: new Float32Array(file.buffer) };
}

describe('the encoder’s own kernels', { skip: cannot, timeout: 60_000 }, () => {
  before(() => addOwnAddon('encoder', tfjsNodeFolder));

  const { plan, weights } = planned(smallNetwork('float32'), () => 'float32');
  const { length } = weights;

  const two = referenceImages(2, SIDE, SIDE);
  const images = Float32Array.of(...two, ...two, ...two);
  const expected = plainAnswers(plan, weights, two, 2);

  for (const flags of ['avx2 fma', 'avx2 fma avx512f']) {
    const present = flags.split(' ').every((flag) => cpuinfoHere().includes(` ${flag}`));
    const skip = present ? false : `needs ${flags}`;
    it(`answer as plain loops do, for any number of images, with ${flags}`, { skip }, () => {
      const run = openOwnEncoder(plan, weights, `flags : ${flags}\n`)!;
      for (const count of [1, 5]) {
        const answers = run(images.subarray(0, count * SIDE * SIDE * 3), count);
        assert.equal(answers.length, count * 32);
        for (const [at, value] of answers.entries()) {
          const right = expected[at % expected.length]!;
          assert.ok(Math.abs(value - right) < 1e-5, `${at}: ${value}, ${right}`);
        }
      }
    });
  }

  it('answer the same without a copy of the weights', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-encoder-'));
    try {
      const path = join(folder, 'weights');
      await writeFile(path, weights);
      const answers = [true, false].map((packs) =>
        openOwnEncoder(plan, path, cpuinfoHere(), { packs })!(images, 6),
      );
      for (const [at, value] of answers[1]!.entries()) {
        assert.ok(Math.abs(value - answers[0]![at]!) < 1e-5, `${at}: ${value}`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const noBfloat16 = ownKernelsCompute('bfloat16', cpuinfoHere()) ? false : 'needs AVX512_BF16';
  for (const storage of ['bfloat16', 'float32'] as const) {
    it(`answer in bfloat16 as plain loops that round every map, weights in ${storage}`, {
      skip: noBfloat16,
    }, () => {
      const half = planned(smallNetwork('bfloat16'), ({ type, shape }) => {
        if (type === 'bfloat16') return storage;
        return shape.length === 2 ? 'float16' : 'float32';
      });
      assert.ok(half.plan.maps.some(({ type }) => type === 'bfloat16'));
      const right = plainAnswers(half.plan, half.weights, two, 2);
      const run = openOwnEncoder(half.plan, half.weights, cpuinfoHere())!;
      for (const count of [1, 5]) {
        const answers = run(images.subarray(0, count * SIDE * SIDE * 3), count);
        for (const [at, value] of answers.entries()) {
          const wanted = right[at % right.length]!;
          // Sums in another order may be rounded to the neighbouring number.
          assert.ok(Math.abs(value - wanted) < 4e-3, `${at}: ${value}, ${wanted}`);
        }
      }
    });
  }

  it('do not open a plan in bfloat16 without its instructions', () => {
    const half = planned(smallNetwork('bfloat16'), ({ type }) => type);
    const flags = 'flags : avx2 fma avx512f avx512bw avx512vl\n';
    assert.equal(openOwnEncoder(half.plan, half.weights, flags), undefined);
  });

  it('refuse a plan that reads or writes outside its maps or weights', () => {
    const changed = (change: Partial<PlanStep>, at: number): EncoderPlan => ({
      ...plan,
      steps: plan.steps.map((step, index) => (index === at ? { ...step, ...change } : step)),
    });
    const last = plan.steps.length - 1;
    const damages: [Partial<PlanStep>, number][] = [
      [{ from: 99 }, 0],
      [{ to: 0 }, 1],
      [{ stride: 3 }, 0],
      [{ left: 4 }, 3],
      [{ channel: 16 }, 0],
      [{ outputs: 32 }, 0],
      [{ filter: { at: length, storage: 'float32' } }, 2],
      [{ bias: { at: length - 8, storage: 'float32' } }, 2],
      [{ kind: 'cast' }, 2],
      [{ from: 1 }, last],
    ];
    for (const [change, at] of damages) {
      const open = () => openOwnEncoder(changed(change, at), weights, cpuinfoHere());
      assert.throws(open, /plan of the encoder is damaged/, JSON.stringify(change));
    }
  });

  it('give the embeddings of TensorFlow', { skip: missing }, async () => {
    const directory = await modelDirectory();
    const faces = referenceImages(2, 240, 240);
    const [own, theirs] = await Promise.all(
      (['own', 'tensorflow'] as const).map(async (kernels) => {
        const networks = await openNetworks(directory, {
          backend: 'tensorflow',
          kernels: { float32: kernels, bfloat16: 'tensorflow' },
        });
        const embeddings = networks.embed(faces, 2);
        networks.dispose();
        return embeddings;
      }),
    );
    for (const [at, value] of own!.entries()) assert.ok(Math.abs(value - theirs![at]!) < 2e-6);
    assert.notDeepEqual(own, theirs);
  });
});

describe('the vectors of the encoder’s own kernels', () => {
  it('are those of the processor, as far as oneDNN’s setting lets them', () => {
    const all = 'flags : avx2 fma avx512f\n';
    assert.equal(vectorsOf(all, undefined), 'avx512');
    assert.equal(vectorsOf(all, 'AVX512_CORE_VNNI'), 'avx512');
    assert.equal(vectorsOf(all, 'AVX2'), 'avx2');
    assert.equal(vectorsOf('flags : avx2 fma\n', undefined), 'avx2');
    assert.equal(vectorsOf('flags : avx\n', undefined), undefined);
    assert.equal(vectorsOf('', undefined), undefined);
  });

  it('compute in bfloat16 where the processor and oneDNN’s setting let them', () => {
    const all = 'flags : avx2 fma avx512f avx512bw avx512vl avx512_bf16\n';
    const computes = (mask?: string) => ownKernelsCompute('bfloat16', all, mask);
    for (const mask of [undefined, 'ALL', 'AVX512_CORE_BF16', 'AVX512_CORE_AMX']) {
      assert.equal(computes(mask), true, mask);
    }
    for (const mask of ['AVX512_CORE', 'AVX512_CORE_VNNI', 'AVX2', 'AVX2_VNNI_2', 'SSE41']) {
      assert.equal(computes(mask), false, mask);
    }
    assert.equal(ownKernelsCompute('bfloat16', all.replace('avx512_bf16', '')), false);
  });
});
