import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { nativeParts } from '../paths.ts';
import { type CachePaths, checkCache, fillCache, installFrom } from './cache.ts';

describe('the cache of native parts', { timeout: 60_000 }, () => {
  let folder: string;
  let places: CachePaths;
  let beside: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-native-'));
    beside = join(folder, 'cache', 'native');
    places = { cache: join(beside, 'version'), tfjsNode: join(folder, 'tfjs-node') };
  });
  afterEach(() => rm(folder, { recursive: true }));

  const build = (content: string) => async (into: string) => {
    for (const { cached } of nativeParts)
      await writeFile(join(into, cached), `${content} ${cached}`);
  };
  const proved = async (): Promise<void> => {};
  const read = (cached: string) => readFile(join(places.cache, cached), 'utf8');
  const firstWords = (from: string, names: readonly string[]) =>
    Promise.all(
      names.map(async (name) => (await readFile(join(from, name), 'utf8')).split(' ')[0]),
    );

  it('is filled at once with its checksums, and then found intact', async () => {
    await assert.rejects(checkCache(places.cache), /holds no native library/);
    await fillCache(places, build('first'), proved);
    await checkCache(places.cache);
    assert.deepEqual(await readdir(beside), ['version']);
  });

  it('a part with one byte changed, cut off or missing is noticed and built again', async () => {
    const damages: ((path: string) => Promise<unknown>)[] = [
      (path) => writeFile(path, `First ${nativeParts[0].cached}`),
      (path) => truncate(path, 3),
      (path) => rm(path),
    ];
    for (const damage of damages) {
      await fillCache(places, build('first'), proved);
      await damage(join(places.cache, nativeParts[0].cached));
      await assert.rejects(checkCache(places.cache), /damaged/);
      await fillCache(places, build('second'), proved);
      await checkCache(places.cache);
      assert.match(await read(nativeParts[0].cached), /^second /);
    }
  });

  it('a build that fails leaves nothing behind', async () => {
    await assert.rejects(
      fillCache(
        places,
        async (into) => {
          await writeFile(join(into, 'half'), 'half');
          throw new Error('no space left');
        },
        proved,
      ),
      /no space left/,
    );
    assert.deepEqual(await readdir(beside), []);
  });

  it('a build that does not load is not kept, and what was there before is', async () => {
    await fillCache(places, build('good'), proved);
    const refuse = async (): Promise<void> => {
      throw new Error('it does not load');
    };
    await assert.rejects(fillCache(places, build('bad'), refuse), /does not load/);
    await checkCache(places.cache);
    assert.match(await read(nativeParts[0].cached), /^good /);
    assert.deepEqual(await readdir(beside), ['version']);
  });

  it('what a build that was killed left hours ago is removed, that of a running one is not', async () => {
    for (const name of ['version.1-dead', 'version.2-running', 'version-of-another']) {
      await mkdir(join(beside, name), { recursive: true });
    }
    const longAgo = new Date(Date.now() - 24 * 60 * 60 * 1000);
    for (const name of ['version.1-dead', 'version-of-another']) {
      await utimes(join(beside, name), longAgo, longAgo);
    }
    await fillCache(places, build('first'), proved);
    assert.deepEqual((await readdir(beside)).sort(), [
      'version',
      'version-of-another',
      'version.2-running',
    ]);
  });

  it('a home that cannot be written is no obstacle: the parts are installed, only not kept', async () => {
    await writeFile(join(folder, 'cache'), 'a file where a folder would have to be');
    await fillCache(places, build('first'), (from) => installFrom(from, places.tfjsNode));
    const installed = nativeParts.map((part) => part.installed);
    assert.deepEqual(new Set(await firstWords(places.tfjsNode, installed)), new Set(['first']));
    assert.deepEqual((await readdir(places.tfjsNode)).sort(), ['deps', 'lib']);
  });

  it('installs in many processes at once all get whole parts, and leave one whole cache', async () => {
    const program = `
      import { writeFile } from 'node:fs/promises';
      import { join } from 'node:path';
      const { fillCache, installFrom } = await import('${new URL('./cache.ts', import.meta.url)}');
      const { nativeParts } = await import('${new URL('../paths.ts', import.meta.url)}');
      const [cache, tfjsNode, word] = process.argv.slice(1);
      process.stdin.once('data', async () => {
        process.stdin.unref();
        for (let round = 0; round < 20; round++) {
          await fillCache(
            { cache, tfjsNode },
            async (into) => {
              for (const { cached } of nativeParts) await writeFile(join(into, cached), word + ' ' + cached);
            },
            (from) => installFrom(from, tfjsNode),
          );
        }
      });
      console.log('ready');
    `;
    const words = ['one', 'two', 'three', 'four'];
    const installs = words.map((word) => {
      const args = [places.cache, join(folder, word), word];
      return spawn(process.execPath, ['--input-type=module', '-e', program, ...args], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
    });
    await Promise.all(
      installs.map(({ stdout }) => new Promise((ready) => stdout.once('data', ready))),
    );
    const codes = await Promise.all(
      installs.map((install) => {
        install.stdin.end('go');
        return new Promise((ended) => install.once('close', ended));
      }),
    );
    assert.deepEqual(codes, [0, 0, 0, 0]);
    await checkCache(places.cache);
    const cached = nativeParts.map((part) => part.cached);
    assert.equal(new Set(await firstWords(places.cache, cached)).size, 1);
    for (const word of words) {
      const installed = nativeParts.map((part) => part.installed);
      assert.deepEqual(new Set(await firstWords(join(folder, word), installed)), new Set([word]));
    }
    assert.deepEqual(await readdir(beside), ['version']);
  });

  it('what is installed from it stays when the cache is cleared', async () => {
    await fillCache(places, build('kept'), proved);
    await installFrom(places.cache, places.tfjsNode);
    await rm(places.cache, { recursive: true });
    for (const { cached, installed } of nativeParts) {
      assert.equal(await readFile(join(places.tfjsNode, installed), 'utf8'), `kept ${cached}`);
    }
  });
});
