import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { runTfjsNodeInstaller } from './tfjs-node-installer.ts';

describe("tfjs-node's own installer", { timeout: 30_000 }, () => {
  let tfjsNode: string;
  beforeEach(async () => {
    tfjsNode = await mkdtemp(join(tmpdir(), 'elastic-face-own-installer-'));
    await mkdir(join(tfjsNode, 'scripts'));
  });
  afterEach(() => rm(tfjsNode, { recursive: true }));
  const installer = (script: string) =>
    writeFile(join(tfjsNode, 'scripts/install.js'), `const fs = require('node:fs');\n${script}`);

  it('is ended where its storage swallows every packet', async () => {
    await installer("fs.mkdirSync('deps'); setInterval(() => {}, 1000);");
    const started = performance.now();
    await assert.rejects(runTfjsNodeInstaller(tfjsNode, false, 500), {
      code: 'native',
      message: 'nothing arrived within 0.5 s',
    });
    assert.ok(performance.now() - started < 20_000);
  });

  it('may take long once something arrives', async () => {
    await installer(
      "fs.mkdirSync('deps/include', { recursive: true }); setTimeout(() => {}, 4000);",
    );
    await runTfjsNodeInstaller(tfjsNode, false, 3000);
  });

  it('that fails is quoted', async () => {
    await installer("throw new Error('the storage cannot be reached')");
    await assert.rejects(
      runTfjsNodeInstaller(tfjsNode, false),
      /Error: the storage cannot be reached/,
    );
  });
});
