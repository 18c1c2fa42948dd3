/**
 * The kernels that use AMX. Processors here may lack it: the addon's real instructions run in a process in which an
 * emulator executes them (amx-emulator.fixture.cc).
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { referenceImages } from '../../../convert/self-test/reference.ts';
import { facenetMissing, modelDirectory } from '../../../test/model.fixture.ts';
import { modelFiles } from '../../format.ts';
import { cpuinfoHere } from '../machine.ts';
import { loadOwnAddon } from '../own-addons.ts';
import { tfjsNodeFolder } from '../paths.ts';
import { compileModule } from '../set-up/addon.ts';
import { addOwnAddon } from '../set-up/own-addons.ts';
import { findTools } from '../set-up/tools.ts';
import type { AmxCase } from './amx-answers.fixture.ts';
import { caseOf, shapes } from './amx-cases.fixture.ts';
import {
  amxComputes,
  type EncoderAddon,
  openOwnEncoder,
  ownKernelsCompute,
  ownKernelsIn,
  readPlan,
} from './encoder-addon.ts';
import { plainAnswers } from './plain-steps.fixture.ts';

const { compiler } = await findTools();
const cannot =
  platform() !== 'linux' || compiler === undefined || !ownKernelsCompute('bfloat16', cpuinfoHere())
    ? 'needs Linux, a C++ compiler and AVX512_BF16'
    : false;
const missing = await facenetMissing();
const notWhole =
  process.env.AMX === 'full' ? missing : 'set AMX=full for the whole encoder, which takes a minute';

describe('the kernels that use AMX', { skip: cannot, timeout: 400_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-amx-'));
  const emulator = join(folder, 'emulator.so');
  after(() => rm(folder, { recursive: true }));
  before(async () => {
    await addOwnAddon('encoder', tfjsNodeFolder);
    const source = join(import.meta.dirname, 'amx-emulator.fixture.cc');
    await compileModule(compiler!, emulator, [source]);
  });

  /** Answers by AMX, in a process with the emulator. */
  function emulated(cases: readonly AmxCase[]): Float32Array[] {
    const program = join(import.meta.dirname, 'amx-answers.fixture.ts');
    const [given, answers] = ['given', 'answers'].map((name) => join(folder, name));
    writeFileSync(given!, serialize(cases));
    const { ONEDNN_MAX_CPU_ISA: _, ...environment } = process.env;
    execFileSync(process.execPath, [program, given!, answers!], {
      env: { ...environment, LD_PRELOAD: emulator },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return deserialize(readFileSync(answers!)) as Float32Array[];
  }

  it('answer as plain loops do, convolutions of every shape', () => {
    const cases = Object.entries(shapes).map(([name, shape]) => ({ name, ...caseOf(shape) }));
    const answers = emulated(cases);
    for (const [at, { name, plan, weights, images, count }] of cases.entries()) {
      const right = plainAnswers(plan, weights as Float32Array, images, count);
      assert.equal(answers[at]?.length, right.length, name);
      for (const [index, value] of answers[at]!.entries()) {
        const wanted = right[index]!;
        // Sums in another order may be rounded to the neighbouring number.
        const off = Math.abs(value - wanted);
        assert.ok(
          off <= 2 ** -7 * Math.abs(wanted) + 1e-5,
          `${name}, ${index}: ${value}, ${wanted}`,
        );
      }
    }
  });

  it('embed faces as near to float32 as the kernels with vectors do', {
    skip: notWhole,
  }, async () => {
    const directory = await modelDirectory();
    const count = 4;
    const images = referenceImages(count, 240, 240);
    const plan = readPlan(join(directory, modelFiles.bfloat16Plan));
    const weights = join(directory, modelFiles.bfloat16Weights);
    const [amx] = emulated([{ plan, weights, images, count }]);
    const vectors = openOwnEncoder(plan, weights, cpuinfoHere())!(images, count);
    const float32 = readPlan(join(directory, modelFiles.encoderPlan));
    const exact = openOwnEncoder(
      float32,
      join(directory, modelFiles.encoderWeights),
      cpuinfoHere(),
    )!(images, count);
    const length = exact.length / count;
    const largest = (from: Float32Array, to: Float32Array) => {
      const differences = from.map((value, at) => value - to[at]!);
      const faces = Array.from({ length: count }, (_, face) => face * length);
      return Math.max(...faces.map((at) => Math.hypot(...differences.subarray(at, at + length))));
    };
    const limit = 1.2 * largest(vectors, exact);
    for (const wanted of [exact, vectors]) {
      const off = largest(amx!, wanted);
      assert.ok(off < limit, `${off}, ${limit}`);
    }
  });
});

describe('whether AMX is used', () => {
  const all = 'flags : avx2 fma avx512f avx512bw avx512vl avx512_bf16 amx_tile amx_bf16\n';

  it('is decided by the processor and oneDNN’s setting', () => {
    for (const mask of ['', 'ALL', 'DEFAULT', 'AVX512_CORE_AMX', 'AVX512_CORE_AMX_FP16']) {
      assert.equal(amxComputes(all, mask), true, mask);
    }
    for (const mask of ['AVX512_CORE_BF16', 'AVX512_CORE_FP16', 'AVX512_CORE', 'AVX2']) {
      assert.equal(amxComputes(all, mask), false, mask);
    }
    for (const flag of ['amx_tile', 'amx_bf16', 'avx512_bf16']) {
      assert.equal(amxComputes(all.replace(flag, ''), ''), false, flag);
    }
  });

  const hasAmx = amxComputes(cpuinfoHere());
  it('is refused by a system without it, whatever the flags say', {
    skip: cannot || (hasAmx && 'this processor has AMX'),
  }, async () => {
    await addOwnAddon('encoder', tfjsNodeFolder);
    const { plan, weights } = caseOf(shapes['a single pixel']!);
    assert.equal(openOwnEncoder(plan, weights, all, { amx: true }), undefined);
    assert.doesNotMatch(ownKernelsIn(all), /amx/);
    assert.match(ownKernelsIn(all), /bfloat16/);
  });

  it('is decided against with an addon of an earlier version', { skip: cannot }, async () => {
    await addOwnAddon('encoder', tfjsNodeFolder);
    const addon = loadOwnAddon<EncoderAddon>('encoder')!;
    const { permitAmx } = addon;
    const { plan, weights } = caseOf(shapes['a single pixel']!);
    Object.assign(addon, { permitAmx: undefined });
    try {
      assert.equal(openOwnEncoder(plan, weights, all, { amx: true }), undefined);
      assert.doesNotMatch(ownKernelsIn(all), /amx/);
    } finally {
      Object.assign(addon, { permitAmx });
    }
  });
});
