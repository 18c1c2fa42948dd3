import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type TrialMachine, trialMachineOf } from './timings.ts';
import { cachedTimings } from './timings-cache.ts';

const folder = await mkdtemp(join(tmpdir(), 'elastic-face-timings-'));
after(() => rm(folder, { recursive: true }));

const cpuinfo = (name: string, flags = 'fpu avx2 amx_bf16') =>
  `model name\t: ${name}\ncpu family\t: 6\nmodel\t\t: 1\nstepping\t: 2\nflags\t\t: ${flags}\n`;
const machine = (name: string, flags?: string): TrialMachine =>
  trialMachineOf(cpuinfo(name, flags), { threads: 1, tensorflow: '2', own: '' }, {});

/** Counts how often it measures. */
function trial(float32 = 8) {
  const measured = { times: 0 };
  return Object.assign(
    () => {
      measured.times++;
      return { float32, own: null, bfloat16: 2, ownBfloat16: null, amx: null };
    },
    { measured },
  );
}

test('a machine is measured once, another one for itself', async () => {
  const cache = join(folder, 'once');
  const [first, second] = [trial(8), trial(9)];
  assert.equal((await cachedTimings(machine('a'), first, cache)).float32, 8);
  assert.equal((await cachedTimings(machine('a'), second, cache)).float32, 8);
  assert.equal((await cachedTimings(machine('b'), second, cache)).float32, 9);
  assert.equal(
    (await cachedTimings(machine('a', 'fpu avx2 avx512_bf16'), second, cache)).float32,
    9,
  );
  assert.deepEqual([first.measured.times, second.measured.times], [1, 2]);
});

test('threads, the library, own kernels and hidden instructions make another machine; other flags do not', () => {
  const text = cpuinfo('a');
  const with1 = { threads: 1, tensorflow: '2', own: 'float32' };
  const one = trialMachineOf(text, with1, {});
  assert.deepEqual(trialMachineOf(cpuinfo('a', 'amx_bf16 avx2 new_fpu'), with1, {}), one);
  assert.notDeepEqual(trialMachineOf(text, { ...with1, threads: 2 }, {}), one);
  assert.notDeepEqual(trialMachineOf(text, { ...with1, tensorflow: '3' }, {}), one);
  assert.notDeepEqual(trialMachineOf(text, { ...with1, own: '' }, {}), one);
  assert.notDeepEqual(trialMachineOf(text, with1, { ONEDNN_MAX_CPU_ISA: 'AVX2' }), one);
});

test('a damaged file, and one of another machine under the same name, are measured over', async () => {
  const cache = join(folder, 'damaged');
  await cachedTimings(machine('a'), trial(), cache);
  await cachedTimings(machine('b'), trial(), cache);
  const trials = join(cache, 'trials');
  const files = (await readdir(trials)).filter((file) => file.endsWith('.json'));
  assert.equal(files.length, 2);
  const [one, other] = files.map((file) => join(trials, file)) as [string, string];
  const foreign = await readFile(other, 'utf8');
  for (const content of ['', '{', '{"float32":1,"bfloat16":-1}', foreign]) {
    await writeFile(one, content);
    const again = trial(5);
    const found = await Promise.all(
      ['a', 'b'].map((name) => cachedTimings(machine(name), again, cache)),
    );
    assert.equal(again.measured.times, 1, content);
    assert.deepEqual(found.map(({ machine: { processor } }) => processor[0]).sort(), ['a', 'b']);
  }
});

test('where the cache cannot be written, each start measures', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  const measure = trial();
  for (const cache of [file, join(file, 'below')]) {
    assert.equal((await cachedTimings(machine('a'), measure, cache)).float32, 8);
  }
  assert.equal(measure.measured.times, 2);
});

test('several at once in one process measure once', async () => {
  const measure = trial();
  const cache = join(folder, 'several');
  const found = await Promise.all(
    [1, 2, 3, 4].map(() => cachedTimings(machine('a'), measure, cache)),
  );
  assert.equal(measure.measured.times, 1);
  assert.equal(new Set(found.map(({ float32 }) => float32)).size, 1);
  assert.equal((await readdir(join(cache, 'trials'))).length, 1, 'the timings, and no lock');
});

test('what the trial throws is thrown, and the next start measures', async () => {
  const cache = join(folder, 'failing');
  await mkdir(cache);
  const failing = () => {
    throw new Error('no library');
  };
  await assert.rejects(cachedTimings(machine('a'), failing, cache), /no library/);
  assert.equal((await cachedTimings(machine('a'), trial(), cache)).float32, 8);
});
