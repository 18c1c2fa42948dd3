import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { checkCache, fillCache, installFromCache } from './cache.ts';
import { nativeParts } from './places.ts';

describe('the cache of native parts', () => {
  let folder: string;
  let cache: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-native-'));
    cache = join(folder, 'cache', 'native', 'version');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const build = (content: string) => async (into: string) => {
    for (const { cached } of nativeParts)
      await writeFile(join(into, cached), `${content} ${cached}`);
  };
  const read = (cached: string) => readFile(join(cache, cached), 'utf8');

  it('is filled at once with its checksums, and then found intact', async () => {
    await assert.rejects(checkCache(cache), /holds no native library/);
    await fillCache(cache, build('first'));
    await checkCache(cache);
    assert.deepEqual(await readdir(join(folder, 'cache', 'native')), ['version']);
  });

  it('a part with one byte changed, cut off or missing is noticed, and built anew', async () => {
    const damages: ((path: string) => Promise<unknown>)[] = [
      (path) => writeFile(path, `First ${nativeParts[0].cached}`),
      (path) => truncate(path, 3),
      (path) => rm(path),
    ];
    for (const damage of damages) {
      await fillCache(cache, build('first'));
      await damage(join(cache, nativeParts[0].cached));
      await assert.rejects(checkCache(cache), /damaged/);
      await fillCache(cache, build('first'));
      await checkCache(cache);
    }
  });

  it('a build that fails leaves nothing behind', async () => {
    await assert.rejects(
      fillCache(cache, async (into) => {
        await writeFile(join(into, 'half'), 'half');
        throw new Error('no space left');
      }),
      /no space left/,
    );
    assert.deepEqual(await readdir(join(folder, 'cache', 'native')), []);
  });

  it('two installs at once do not mix: one set of parts stays, whole', async () => {
    await Promise.all([fillCache(cache, build('one')), fillCache(cache, build('other'))]);
    await checkCache(cache);
    const words = await Promise.all(
      nativeParts.map(async ({ cached }) => (await read(cached)).split(' ')[0]),
    );
    assert.equal(new Set(words).size, 1);
  });

  it('what is installed from it stays when the cache is cleared', async () => {
    const tfjsNode = join(folder, 'tfjs-node');
    await fillCache(cache, build('kept'));
    await installFromCache({ cache, tfjsNode });
    await rm(cache, { recursive: true });
    for (const { cached, installed } of nativeParts) {
      assert.equal(await readFile(join(tfjsNode, installed), 'utf8'), `kept ${cached}`);
    }
  });
});
