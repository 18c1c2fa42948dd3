/** The file of an encoder's filters: written, mapped, damaged, impossible. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import {
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuinfoHere } from '../machine.ts';
import { loadOwnAddon } from '../own-addons.ts';
import { tfjsNodeFolder } from '../paths.ts';
import { addOwnAddon } from '../set-up/own-addons.ts';
import { findTools } from '../set-up/tools.ts';
import { BATCH, type EncoderAddon, openOwnEncoder, vectorsOf } from './encoder-addon.ts';
import { keptFiltersPath, removeLeftParts, removeOldFilters } from './kept-filters.ts';
import { type EncoderPlan, planWords } from './plan.ts';

const { compiler } = await findTools();
const cannot =
  platform() !== 'linux' || compiler === undefined || vectorsOf(cpuinfoHere()) === undefined
    ? 'needs Linux, a C++ compiler and AVX2'
    : false;

const SIDE = 12;
const CHANNELS = 16;
const map = { height: SIDE, width: SIDE, channels: CHANNELS, border: { y: 1, x: 1 } } as const;
const bare = { y: 0, x: 0 };
/** One convolution, on a map so large that its filter is kept in any case. */
const plan: EncoderPlan = {
  each: 1,
  maps: [
    { ...map, type: 'float32' },
    { ...map, border: bare, type: 'float32' },
  ],
  steps: [
    {
      ...{ kind: 'convolution', from: 0, to: 1, channel: 0, height: 3, width: 3, stride: 1 },
      ...{ top: 1, left: 1, outputs: CHANNELS, add: false, relu: false },
      filter: { at: 0, storage: 'float32' },
      bias: { at: 9 * CHANNELS * CHANNELS, storage: 'float32' },
    },
  ],
};
const image = new Float32Array((SIDE + 2) ** 2 * CHANNELS).fill(0.5);
const numbers = Float32Array.from({ length: 9 * CHANNELS * CHANNELS + CHANNELS }, (_, at) =>
  Math.sin(at),
);

describe('the file of an encoder’s filters', { skip: cannot, timeout: 60_000 }, () => {
  let folder: string;
  let weights: string;
  let addon: EncoderAddon;
  before(async () => {
    await addOwnAddon('encoder', tfjsNodeFolder);
    addon = loadOwnAddon<EncoderAddon>('encoder')!;
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-filters-'));
    weights = join(folder, 'weights');
    await writeFile(weights, numbers);
  });
  after(() => rm(folder, { recursive: true }));

  const opened = (packs: boolean, kept?: string): (() => Float32Array) & { engine: object } => {
    const wide = vectorsOf(cpuinfoHere()) === 'avx512';
    const more: [boolean?, string?] = kept === undefined ? [] : [false, kept];
    const engine = addon.open(planWords(plan, BATCH), weights, wide, packs, ...more);
    const run = () => {
      const answers = new Float32Array(SIDE * SIDE * CHANNELS);
      addon.run(engine, image, answers);
      return answers;
    };
    return Object.assign(run, { engine });
  };
  /** Of each place where the file of this name is mapped, not a removed one. */
  const mappedInodes = async (path: string) =>
    (await readFile('/proc/self/maps', 'utf8'))
      .split('\n')
      .filter((line) => line.endsWith(` ${path}`))
      .map((line) => Number(line.split(/ +/)[4]));
  const mapped = async (path: string, places = 1) => {
    while ((await mappedInodes(path)).length < places) await delay(5);
  };
  const partsOf = async (path: string) =>
    (await readdir(folder)).filter((file) => file.startsWith(`${basename(path)}.`));
  const written = async (packs: boolean, path: string) => {
    const first = opened(packs, path);
    const answers = first();
    assert.equal(addon.keep!(first.engine), true);
    await mapped(path);
    return { first, answers };
  };

  for (const packs of [true, false]) {
    it(`is written after a face and mapped by the next engine, ${packs ? 'all' : 'large maps only'}`, async () => {
      const path = join(folder, `kept-${packs}`);
      const { first, answers } = await written(packs, path);
      assert.deepEqual(answers, opened(packs)());
      assert.deepEqual(first(), answers);
      assert.equal(addon.keep!(first.engine), false);
      const second = opened(packs, path);
      assert.deepEqual(second(), answers);
      assert.equal(addon.keep!(second.engine), false);
      assert.deepEqual(await partsOf(path), []);
    });
  }

  it('is one for engines that begin to write it together', async () => {
    const path = join(folder, 'together');
    const runs = Array.from({ length: 4 }, () => opened(true, path));
    const [answers] = runs.map((run) => run());
    for (const { engine } of runs) assert.equal(addon.keep!(engine), true);
    await mapped(path, runs.length);
    const { ino } = await stat(path);
    assert.deepEqual(await mappedInodes(path), Array(runs.length).fill(ino));
    for (const run of runs) assert.deepEqual(run(), answers);
    assert.deepEqual(await partsOf(path), []);
  });

  it('is used, not written again, where another engine has written it since', async () => {
    const path = join(folder, 'since');
    const late = opened(true, path);
    const { answers } = await written(true, path);
    const { ino } = await stat(path);
    assert.equal(addon.keep!(late.engine), true);
    await mapped(path, 2);
    assert.deepEqual(await mappedInodes(path), [ino, ino]);
    assert.deepEqual(late(), answers);
  });

  it('is written though a killed process with the same id left a part of it', async () => {
    const path = join(folder, 'same-id');
    await writeFile(`${path}.${process.pid}`, '');
    await written(true, path);
    assert.deepEqual(await partsOf(path), [`same-id.${process.pid}`]);
  });

  it('is made again where it is torn or another number is in it', async () => {
    const path = join(folder, 'damaged');
    const { answers } = await written(true, path);
    const whole = await readFile(path);
    const damages = [
      () => truncate(path, whole.length - 8),
      () => writeFile(path, Buffer.from(whole).fill(0, 4096, 8192)),
      () => writeFile(path, ''),
    ];
    for (const damage of damages) {
      // A mapped file is replaced, never written to.
      await rm(path);
      await writeFile(path, whole);
      await damage();
      const run = opened(true, path);
      assert.deepEqual(run(), answers);
      assert.equal(addon.keep!(run.engine), true);
      await mapped(path);
      assert.deepEqual(await readFile(path), whole);
      assert.deepEqual(run(), answers);
    }
  });

  it('is not needed where it cannot be written', async () => {
    const path = join(folder, 'absent', 'kept');
    const run = opened(true, path);
    const answers = run();
    assert.equal(addon.keep!(run.engine), true);
    assert.deepEqual(run(), answers);
    assert.equal(existsSync(path), false);
  });

  it('is not written where the model’s hash cannot be read after a face', () => {
    let reads = 0;
    const weightsHash = () => {
      reads++;
      if (reads > 1) throw new Error('the folder was replaced');
      return 'a hash';
    };
    const run = openOwnEncoder(plan, numbers, cpuinfoHere(), { weightsHash })!;
    const answers = opened(true)();
    assert.deepEqual(run(image, 1), answers);
    assert.deepEqual(run(image, 1), answers);
    assert.equal(reads, 2);
  });

  it('is not needed where the model’s hash cannot be read', () => {
    const weightsHash = () => {
      throw new Error('the folder was replaced');
    };
    const run = openOwnEncoder(plan, numbers, cpuinfoHere(), { weightsHash })!;
    assert.deepEqual(run(image, 1), opened(true)());
  });

  it('has another name for another model, plan or way', async () => {
    const words = planWords(plan, BATCH);
    const names = [
      keptFiltersPath('a', words, [true, false], folder),
      keptFiltersPath('b', words, [true, false], folder),
      keptFiltersPath('a', words, [false, true], folder),
      keptFiltersPath('a', planWords(plan, 1), [true, false], folder),
    ];
    assert.equal(new Set(names).size, 4);
    assert.equal(names[0], keptFiltersPath('a', words, [true, false], folder));
    assert.equal(keptFiltersPath('a', words, [true], weights), undefined);
  });

  it('takes the place of the oldest ones', async () => {
    const path = keptFiltersPath('a', planWords(plan, BATCH), [true], join(folder, 'cache'))!;
    const old = Array.from({ length: 8 }, (_, age) => join(path, '..', `old-${age}`));
    for (const [age, file] of old.entries()) {
      await writeFile(file, '');
      await utimes(file, 1000 - age, 1000 - age);
    }
    await writeFile(path, '');
    const parts = old.map((_, at) => `${path}.part${at}`);
    for (const part of parts) await writeFile(part, '');
    removeOldFilters(path);
    assert.deepEqual(
      [path, ...old].map((file) => existsSync(file)),
      [true, true, true, true, true, true, false, false, false],
    );
    assert.ok(parts.every((part) => existsSync(part)));
  });

  it('leaves no part of a killed process behind, and every part that is being written', async () => {
    const path = keptFiltersPath('a', planWords(plan, BATCH), [true], join(folder, 'parts'))!;
    const [left, other, young] = [`${path}.one`, join(path, '..', 'other.one'), `${path}.two`];
    for (const file of [path, left, other, young]) await writeFile(file, '');
    for (const file of [path, left, other]) await utimes(file, 1000, 1000);
    removeLeftParts(path);
    assert.deepEqual(
      [path, left, other, young].map((file) => existsSync(file)),
      [true, false, false, true],
    );
  });
});
