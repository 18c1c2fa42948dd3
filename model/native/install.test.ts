import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

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
      assert.match(
        lines.at(-1) ?? '',
        /slower wasm backend takes over.*\(package registries: pip and a C\+\+ compiler not found \(.*\); try again with `npm run setup-native`$/,
      );
    } finally {
      await rm(project, { recursive: true });
    }
  });

  it('where even a package is missing does not fail the install', async () => {
    const project = await mkdtemp(join(tmpdir(), 'elastic-face-postinstall-'));
    try {
      for (const part of ['model', 'runtime', 'package.json']) {
        await cp(new URL(`../../${part}`, import.meta.url), join(project, part), {
          recursive: true,
        });
      }
      const { code, said } = await runInstall(project);
      assert.equal(code, 0);
      assert.match(said, /slower wasm backend takes over.*Cannot find/);
    } finally {
      await rm(project, { recursive: true });
    }
  });
});

/** node_modules of links to this checkout's packages; tfjs-node is a copy without its native parts. */
async function linkModules(project: string): Promise<void> {
  const own = new URL('../../node_modules/', import.meta.url);
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
      PATH: join(project, 'no-programs'),
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
