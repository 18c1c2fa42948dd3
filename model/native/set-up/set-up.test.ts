import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { strToU8, zipSync } from 'fflate';
import { NativeError, NotSetUpYet } from '../../errors.ts';
import { addonFile, nativeParts, ownAddons } from '../paths.ts';
import type { CachePaths } from './cache.ts';
import { Programs } from './programs.fixture.ts';
import { firstThatWorks, type SetUpOptions, setUp } from './set-up.ts';

describe('the ways to a native library', () => {
  it('are tried in order until one works, and each reason is kept', async () => {
    const tried: string[] = [];
    const way = (name: string, works: boolean) => ({
      name,
      go: async () => {
        tried.push(name);
        if (!works) throw new NativeError(`${name} is broken`);
      },
    });
    const found = await firstThatWorks([way('a', false), way('b', true), way('c', true)]);
    assert.deepEqual(found, { way: 'b', reasons: ['a: a is broken'] });
    assert.deepEqual(tried, ['a', 'b']);
    const empty = { name: 'e', go: () => Promise.reject(new NotSetUpYet('nothing is here')) };
    assert.deepEqual(await firstThatWorks([empty]), { way: undefined, reasons: [] });
    const none = await firstThatWorks([way('a', false)]);
    assert.equal(none.way, undefined);
  });
});

/** A wheel like the real one in all but size, served by a pip and compiled by a compiler of the test. */
describe('setting up from the package registries', { timeout: 60_000 }, () => {
  const wheelBytes = zipSync({
    'tensorflow/libtensorflow_cc.so.2': strToU8('the library'),
    'tensorflow/libtensorflow_framework.so.2': strToU8('the framework'),
    'tensorflow/include/tensorflow/c/c_api.h': strToU8('a header'),
  });
  const sha256 = createHash('sha256').update(wheelBytes).digest('hex');

  let folder: string;
  let places: CachePaths;
  let programs: Programs;
  let options: SetUpOptions;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-set-up-'));
    places = {
      cache: join(folder, 'cache', 'version'),
      tfjsNode: join(folder, 'node_modules', '@tensorflow', 'tfjs-node'),
    };
    options = {
      say: () => {},
      show: false,
      places,
      wheel: () => ({ project: 'tensorflow-cpu', version: '2.21.0', platform: 'any', sha256 }),
      probe: async () => {
        const addon = await readFile(join(places.tfjsNode, addonFile), 'utf8');
        if (!addon.startsWith('an addon')) throw new NativeError('it does not load');
      },
    };
    await mkdir(join(places.tfjsNode, 'scripts'), { recursive: true });
    await ownInstaller('throw new Error("the bucket cannot be reached")');
    await writeFile(join(folder, 'wheel'), wheelBytes);
    programs = new Programs(join(folder, 'programs'));
    await programs.add(
      'pip3',
      `for last; do
         [ "$previous" = --dest ] && target="$last"
         previous="$last"
       done
       echo fetched >> "${folder}/fetched"
       cp "${folder}/wheel" "$target/tensorflow_cpu.whl"`,
    );
    await programs.add('c++', 'for output; do :; done; echo "an addon" > "$output"');
  });
  afterEach(async () => {
    programs.restore();
    await rm(folder, { recursive: true });
  });

  const ownInstaller = (script: string) =>
    writeFile(join(places.tfjsNode, 'scripts', 'install.js'), script);
  const forgetInstalled = async (): Promise<void> => {
    for (const part of ['deps', 'lib']) await rm(join(places.tfjsNode, part), { recursive: true });
  };
  const fetched = async () =>
    existsSync(join(folder, 'fetched'))
      ? (await readFile(join(folder, 'fetched'), 'utf8')).split('\n').length - 1
      : 0;

  it('fetches once; later it is there already, or comes from the cache', async () => {
    assert.equal((await setUp(options)).way, 'package registries');
    for (const { installed } of nativeParts) {
      assert.ok(existsSync(join(places.tfjsNode, installed)), installed);
    }
    assert.equal((await setUp(options)).way, 'as installed');
    await forgetInstalled();
    assert.equal((await setUp(options)).way, 'cache');
    assert.equal(await fetched(), 1);
  });

  it('a cache with one byte changed is built again', async () => {
    await setUp(options);
    await forgetInstalled();
    await writeFile(join(places.cache, nativeParts[0].cached), 'The library');
    const { way, reasons } = await setUp(options);
    assert.equal(way, 'package registries');
    assert.match(reasons.join(), /cache: its libtensorflow_cc\.so\.2 is damaged/);
    const part = join(places.tfjsNode, nativeParts[0].installed);
    assert.equal(await readFile(part, 'utf8'), 'the library');
    assert.equal(await fetched(), 2);
  });

  it('an addon that is present but does not load is set up again', async () => {
    await mkdir(join(places.tfjsNode, addonFile, '..'), { recursive: true });
    await writeFile(join(places.tfjsNode, addonFile), 'of another Node');
    const { way, reasons } = await setUp(options);
    assert.equal(way, 'package registries');
    assert.match(reasons.join(), /as installed: it does not load/);
  });

  it('an own addon that does not compile is named, with its cost and the compiler’s reason', {
    skip: platform() !== 'linux' && 'the own addons are for Linux',
  }, async () => {
    await programs.add(
      'c++',
      `case "$*" in *${ownAddons.sieve.source}*) echo "sieve.cc: fatal error: no vectors"; exit 1;; esac
       for output; do :; done
       echo "an addon" > "$output"`,
    );
    const { way, missing } = await setUp(options);
    assert.equal(way, 'package registries');
    assert.equal(missing.length, 1);
    assert.match(missing[0]!, /^without the addon "sieve" large photos take twice as long\./);
    assert.match(
      missing[0]!,
      /not compiled: c\+\+ ended with 1: sieve\.cc: fatal error: no vectors/,
    );
    // Compiled later, it is there.
    await programs.add('c++', 'for output; do :; done; echo "an addon" > "$output"');
    assert.deepEqual((await setUp(options)).missing, []);
  });

  it('without a compiler nothing is fetched, and tfjs-node’s own installer is next', async () => {
    await rm(join(programs.folder, 'c++'));
    await ownInstaller(`
      const { mkdirSync, writeFileSync } = require('node:fs');
      mkdirSync(require('node:path').dirname('${addonFile}'), { recursive: true });
      writeFileSync('${addonFile}', 'an addon of its own');
    `);
    const { way, reasons, missing } = await setUp(options);
    assert.equal(way, 'tfjs-node’s own installer');
    if (platform() === 'linux') assert.match(missing.join(), /"pages" .* C\+\+ compiler not found/);
    assert.match(
      reasons.join(),
      /package registries: a C\+\+ compiler not found \(.*apt install g\+\+\)/,
    );
    assert.equal(await fetched(), 0);
  });

  it('its own installer finds the programs of its dependencies', async () => {
    await rm(join(programs.folder, 'c++'));
    await new Programs(join(folder, 'node_modules', '.bin')).add('builder', 'echo "an addon"');
    process.env.PATH = programs.folder;
    await ownInstaller(`
      const { mkdirSync, writeFileSync } = require('node:fs');
      mkdirSync(require('node:path').dirname('${addonFile}'), { recursive: true });
      writeFileSync('${addonFile}', require('node:child_process').execFileSync('builder'));
    `);
    assert.equal((await setUp(options)).way, 'tfjs-node’s own installer');
  });

  for (const [what, machine, reason] of [
    [
      'a processor without AVX',
      { cpuinfo: 'flags\t\t: fpu sse4_2 xavx\n' },
      /^TensorFlow's library needs AVX, which this processor does not have$/,
    ],
    ['a Linux with musl', { glibc: undefined }, /needs glibc, .* such as musl$/],
  ] as const) {
    it(`on ${what} nothing is fetched or tried, and the reason is the only one`, async () => {
      await ownInstaller(`require('node:fs').writeFileSync('${folder}/fetched', '')`);
      const x64 = { platform: 'linux', arch: 'x64', glibc: '2.36', cpuinfo: 'flags: avx' };
      const { way, reasons } = await setUp({ ...options, machine: { ...x64, ...machine } });
      assert.equal(way, undefined);
      assert.equal(reasons.length, 1);
      assert.match(reasons.join(), reason);
      assert.equal(await fetched(), 0);
    });
  }

  for (const [what, break_, reason] of [
    [
      'a wheel that is not the published one',
      () => writeFile(join(folder, 'wheel'), wheelBytes.with(40, 0)),
      /not the published file/,
    ],
    [
      'a compiler that fails',
      () => programs.add('c++', 'echo "x.cc: fatal error: no napi.h"; echo "terminated"; exit 1'),
      /c\+\+ ended with 1: x\.cc: fatal error: no napi\.h;/,
    ],
    [
      'a build that does not load',
      () => programs.add('c++', 'for output; do :; done; echo "not one" > "$output"'),
      /package registries: it does not load/,
    ],
  ] as const) {
    it(`${what} is neither cached nor left in place, and the reason is kept`, async () => {
      await break_();
      const { way, reasons } = await setUp(options);
      assert.equal(way, undefined);
      assert.match(`${reasons.join('; ')};`, reason);
      assert.match(reasons.join(), /Error: the bucket cannot be reached/);
      assert.equal(existsSync(places.cache), false);
      assert.equal(existsSync(join(places.tfjsNode, addonFile)), false);
    });
  }
});
