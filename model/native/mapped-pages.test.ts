import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newMemory } from '../simd/kernels.ts';
import { MAPPING_ALIGNMENT, mapFile } from './mapped-file.ts';
import { ownAddons, tfjsNodeFolder } from './paths.ts';
import { run } from './run.ts';
import { addOwnAddon } from './set-up/own-addons.ts';
import { Programs } from './set-up/programs.fixture.ts';
import { findTools } from './set-up/tools.ts';

const { compiler } = await findTools();
const skip =
  platform() !== 'linux' || compiler === undefined ? 'needs Linux and a C++ compiler' : false;

describe('the addon that hands back mapped pages', { skip, timeout: 60_000 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic face pages-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('is compiled once', async () => {
    assert.equal(await addOwnAddon('pages', folder), true);
    const { mtimeMs } = await stat(join(folder, ownAddons.pages.file));
    assert.equal(await addOwnAddon('pages', folder), true);
    assert.equal((await stat(join(folder, ownAddons.pages.file))).mtimeMs, mtimeMs);
  });

  it('halves the file pages of a process, which goes on as before', async () => {
    const program = `
      const { readFileSync } = require('node:fs');
      const { createHash } = require('node:crypto');
      const filePages = () =>
        Number(/^RssFile:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const digest = () => createHash('sha256').update('a photo').digest('hex');
      const { releaseMappedPages } = require(process.argv[1]);
      const [expected, before] = [digest(), filePages()];
      const released = releaseMappedPages();
      const after = filePages();
      if (released < 1e6) throw new Error('error: released only ' + released);
      if (after > before / 2) throw new Error('error: ' + before + ' kB, then ' + after);
      if (digest() !== expected) throw new Error('error: another digest');`;
    await run(process.execPath, ['-e', program, join(folder, ownAddons.pages.file)]);
  });

  it('makes freed photos leave the heap, whatever small blocks lie between them', async () => {
    const program = `
      const { giveBackBlocks } = require(process.argv[1]);
      giveBackBlocks();
      const kept = [];
      const photos = () => {
        const large = Array.from({ length: 40 }, () => {
          kept.push(Buffer.allocUnsafeSlow(20_000).fill(1));
          return Buffer.allocUnsafeSlow(3_000_000).fill(1);
        });
        return large.length;
      };
      const resident = () => process.memoryUsage.rss() / 1e6;
      const before = resident();
      for (let round = 0; round < 2; round++) {
        photos();
        gc();
      }
      // V8 frees buffers on threads of its own.
      const deadline = Date.now() + 10_000;
      const check = () => {
        if (resident() <= before + 40) return;
        if (Date.now() > deadline) throw new Error('error: ' + before + ' MB, then ' + resident());
        setTimeout(check, 10);
      };
      check();`;
    const pages = join(folder, ownAddons.pages.file);
    await run(process.execPath, ['--expose-gc', '-e', program, pages]);
  });
});

describe('a file in place of a part of a memory', { skip, timeout: 60_000 }, () => {
  const PAGE = MAPPING_ALIGNMENT;
  let folder: string;
  let path: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic face map-'));
    await addOwnAddon('pages', tfjsNodeFolder);
    path = join(folder, 'fïle');
    const bytes = Buffer.alloc(3 * PAGE - 100, 1);
    await writeFile(path, bytes.fill(2, PAGE));
  });
  after(() => rm(folder, { recursive: true }));

  it('is read as the file is, and the memory around it stays', () => {
    const { buffer } = newMemory(4 * PAGE)!;
    const all = new Uint8Array(buffer).fill(9);
    assert.equal(mapFile(buffer, PAGE, path, PAGE, 2 * PAGE - 100), true);
    const found = [0, PAGE - 1, PAGE, 3 * PAGE - 101, 3 * PAGE - 50, 3 * PAGE].map((at) => all[at]);
    assert.deepEqual(found, [9, 9, 2, 2, 0, 9]);
  });

  it('outlives the file, and is freed with the memory', async () => {
    const gone = join(folder, 'gone');
    await copyFile(path, gone);
    const { buffer } = newMemory(PAGE)!;
    assert.equal(mapFile(buffer, 0, gone, 0, PAGE), true);
    await rm(gone);
    assert.equal(new Uint8Array(buffer)[PAGE - 1], 1);
  });

  it('is refused where it does not fit: the memory stays', () => {
    const { buffer } = newMemory(PAGE)!;
    const all = new Uint8Array(buffer).fill(9);
    for (const [at, from, bytes, name] of [
      [0, 2 * PAGE, PAGE, path],
      [0, 0, PAGE + 1, path],
      [8, 0, 16, path],
      [0, 8, 16, path],
      [-PAGE, 0, 16, path],
      [0, 0, 0, path],
      [0, 0, 16, join(folder, 'nothing here')],
      [0, 0, 16, 'x'.repeat(5000)],
    ] as const) {
      assert.equal(mapFile(buffer, at, name, from, bytes), false, `${at} ${from} ${bytes}`);
    }
    assert.ok(all.every((value) => value === 9));
  });
});

it('an addon in the instructions of another processor is not compiled', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-addons-'));
  try {
    assert.equal(await addOwnAddon('encoder', folder, 'arm64'), false);
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('without a compiler', () => {
  it('there is no such addon, and no error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-pages-'));
    const programs = new Programs(join(folder, 'programs'));
    try {
      assert.equal(await addOwnAddon('pages', folder), false);
    } finally {
      programs.restore();
      await rm(folder, { recursive: true });
    }
  });
});
