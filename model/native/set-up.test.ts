import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { NativeError } from './errors.ts';
import { firstThatWorks } from './set-up.ts';
import { fetchWheel } from './wheel.ts';

const wheel = { project: 'tensorflow-cpu', platform: 'any', sha256: '0'.repeat(64) };

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
    const none = await firstThatWorks([way('a', false)]);
    assert.equal(none.way, undefined);
  });
});

describe('fetching the wheel', () => {
  let folder: string;
  let path: string | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-wheel-'));
    path = process.env.PATH;
  });
  afterEach(async () => {
    process.env.PATH = path;
    await rm(folder, { recursive: true });
  });

  /** A pip of this test's own, the only program on the PATH beside the shell's. */
  async function onlyPip(script: string): Promise<void> {
    const programs = join(folder, 'programs');
    await mkdir(programs);
    await writeFile(join(programs, 'pip3'), `#!/bin/sh\n${script}\n`);
    await chmod(join(programs, 'pip3'), 0o755);
    process.env.PATH = programs;
  }

  it('without pip says so', async () => {
    process.env.PATH = folder;
    await assert.rejects(fetchWheel(wheel, folder, false), /pip was not found/);
  });

  it('a pip that fails is quoted', async () => {
    await onlyPip('[ "$1" = --version ] && exit 0; echo "ERROR: no network" >&2; exit 1');
    await assert.rejects(fetchWheel(wheel, folder, false), /pip3 ended with 1: ERROR: no network/);
  });

  it('a wheel with another checksum is refused', async () => {
    await onlyPip(
      `[ "$1" = --version ] && exit 0; echo something else > "${folder}/tensorflow_cpu-2.21.0.whl"`,
    );
    await assert.rejects(fetchWheel(wheel, folder, false), /not the published file/);
  });
});

describe('the postinstall', { timeout: 120_000 }, () => {
  it('where no way works takes one line, says wasm, and does not fail the install', async () => {
    const project = await mkdtemp(join(tmpdir(), 'elastic-face-postinstall-'));
    try {
      // A checkout whose tfjs-node has no native parts, with no program but Node to be found.
      for (const part of ['model', 'runtime', 'package.json']) {
        await cp(new URL(`../../${part}`, import.meta.url), join(project, part), {
          recursive: true,
        });
      }
      await linkModules(project);
      const { code, said } = await runInstall(project);
      assert.equal(code, 0);
      const lines = said.trim().split('\n');
      assert.match(lines.at(-1) ?? '', /slower wasm backend takes over \(.*pip was not found.*\)$/);
    } finally {
      await rm(project, { recursive: true });
    }
  });
});

/** node_modules of links to this checkout's packages; tfjs-node is a copy without its native parts. */
async function linkModules(project: string): Promise<void> {
  const own = new URL('../../node_modules/', import.meta.url);
  const { readdir } = await import('node:fs/promises');
  await mkdir(join(project, 'node_modules', '@tensorflow'), { recursive: true });
  for (const name of await readdir(own)) {
    if (name === '@tensorflow' || name.startsWith('.')) continue;
    await symlink(new URL(name, own), join(project, 'node_modules', name));
  }
  for (const name of await readdir(new URL('@tensorflow/', own))) {
    const target = join(project, 'node_modules', '@tensorflow', name);
    if (name !== 'tfjs-node') await symlink(new URL(`@tensorflow/${name}`, own), target);
    else {
      await cp(new URL('@tensorflow/tfjs-node', own), target, {
        recursive: true,
        filter: (source) => !/tfjs-node\/(?:deps|lib)(?:\/|$)/.test(source),
      });
    }
  }
}

function runInstall(project: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['model/native/install.ts'], {
    cwd: project,
    env: {
      HOME: project,
      PATH: [join(project, 'no-programs')].join(delimiter),
      // tfjs-node's own installer is pointed at this machine, where nothing listens.
      TFJS_NODE_BASE_URI: 'http://127.0.0.1:1/',
      TFJS_NODE_CDN_STORAGE: 'http://127.0.0.1:1/',
      npm_config_tfjs_binding_binary_host: 'http://127.0.0.1:1/',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}
