import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Programs } from './programs.fixture.ts';
import { requireTools } from './tools.ts';

describe('the tools that building takes', () => {
  let folder: string;
  let programs: Programs;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-tools-'));
    programs = new Programs(folder);
  });
  afterEach(async () => {
    programs.restore();
    await rm(folder, { recursive: true });
  });

  it('are all named that are missing, with the packages that bring them', async () => {
    await assert.rejects(requireTools(), {
      code: 'native',
      message:
        'pip and a C++ compiler not found (on Debian or Ubuntu: apt install python3-pip g++)',
    });
    await programs.add('clang++', 'exit 0');
    await assert.rejects(requireTools(), /^NativeError: pip not found .*apt install python3-pip\)/);
  });

  it('may have any of their usual names', async () => {
    await programs.add('clang++', 'exit 0');
    // As python3 answers where its pip is a package of its own, or is there.
    await programs.add('python3', 'exit 1');
    await assert.rejects(requireTools(), /pip not found/);
    await programs.add('python3', '[ "$3" = --version ]');
    assert.deepEqual(await requireTools(), {
      pip: ['python3', '-m', 'pip'],
      compiler: 'clang++',
    });
  });
});
