import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { isOldNode } from './newer-node.ts';

const run = promisify(execFile);

it('a Node older than 24 is too old for the command line', () => {
  assert.deepEqual(['20.19.0', '22.23.3', '24.0.0', '26.1.0'].map(isOldNode), [
    true,
    true,
    false,
    false,
  ]);
});

describe('on a Node that is too old', () => {
  let folder: string;
  let program: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-newer-node-'));
    program = join(folder, 'program.mjs');
    const module = new URL('./newer-node.ts', import.meta.url).href;
    await writeFile(
      program,
      `import { moveToNewerNode } from '${module}';
       await moveToNewerNode(process.env.NEWER ?? '20.19.0');
       console.log(process.argv.slice(2).join());
       process.exitCode = 3;`,
    );
    await script('newer-node', `NEWER=24.0.0 exec '${process.execPath}' "$@"`);
  });
  after(() => rm(folder, { recursive: true }));

  const script = async (name: string, line: string): Promise<void> => {
    await writeFile(join(folder, name), `#!/bin/sh\n${line}\n`);
    await chmod(join(folder, name), 0o755);
  };
  const start = () =>
    run(process.execPath, [program, 'a', 'b'], { env: { PATH: `${folder}:/usr/bin:/bin` } });

  it('runs the same on the one that npx has, and ends as it does', async () => {
    await script('npx', `echo '${join(folder, 'newer-node')}'`);
    await assert.rejects(start, { code: 3, stdout: 'a,b\n', stderr: /needs Node 24.*npx runs it/ });
  });

  it('says what to install where npx has none', async () => {
    await script('npx', 'exit 1');
    await assert.rejects(start, { code: 1, stdout: '', stderr: /install Node 24 or newer/ });
  });
});
