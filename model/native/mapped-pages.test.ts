import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { addPagesAddon } from './mapped-pages.ts';
import { pagesAddonFile } from './paths.ts';
import { run } from './run.ts';
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
    assert.equal(await addPagesAddon(folder), true);
    const { mtimeMs } = await stat(join(folder, pagesAddonFile));
    assert.equal(await addPagesAddon(folder), true);
    assert.equal((await stat(join(folder, pagesAddonFile))).mtimeMs, mtimeMs);
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
    await run(process.execPath, ['-e', program, join(folder, pagesAddonFile)]);
  });
});

describe('without a compiler', () => {
  it('there is no such addon, and no error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-pages-'));
    const programs = new Programs(join(folder, 'programs'));
    try {
      assert.equal(await addPagesAddon(folder), false);
    } finally {
      programs.restore();
      await rm(folder, { recursive: true });
    }
  });
});
