import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LockTimeout, withLock } from './lock.ts';

const folder = await mkdtemp(join(tmpdir(), 'elastic-face-lock-'));
after(() => rm(folder, { recursive: true, force: true }));

/** Another process that holds the lock until it is killed. */
async function holder(path: string): Promise<ChildProcess> {
  const code = `
    import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    const work = () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); };
    await withLock(${JSON.stringify(path)}, work);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

test('work in one process waits for the same work in another, and a killed one blocks nobody', async () => {
  const path = join(folder, 'killed');
  const child = await holder(path);
  const waiting = Promise.withResolvers<void>();
  let ran = false;
  const work = withLock(path, async () => (ran = true), { onWait: waiting.resolve });
  await waiting.promise;
  assert.equal(ran, false);
  child.kill('SIGKILL');
  assert.equal(await work, true);
});

test('work within one process takes turns too', async () => {
  const path = join(folder, 'turns');
  let inside = 0;
  const work = async () => {
    inside++;
    assert.equal(inside, 1);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
  };
  await Promise.all([withLock(path, work), withLock(path, work), withLock(path, work)]);
});

test('many processes that take turns are never at work at once, and leave no file', async () => {
  const path = join(folder, 'many');
  const inside = join(folder, 'inside');
  const code = `
    import { mkdirSync, rmdirSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    for (let turn = 0; turn < 20; turn++) {
      await withLock(${JSON.stringify(path)}, async () => {
        mkdirSync(${JSON.stringify(inside)});
        await new Promise((resolve) => setImmediate(resolve));
        rmdirSync(${JSON.stringify(inside)});
      });
    }`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' }),
  );
  const ends = await Promise.all(children.map((child) => once(child, 'exit')));
  assert.deepEqual(
    ends.map(([exitCode]) => exitCode),
    [0, 0, 0, 0],
  );
  assert.equal(existsSync(path), false);
});

test('a lock that cannot be made says why', async () => {
  await assert.rejects(
    withLock(join(folder, 'missing', 'lock'), async () => {}),
    /ENOENT.*missing/,
  );
});

test('the lock is free again after work that failed', async () => {
  const path = join(folder, 'failed');
  const failed = withLock(path, () => Promise.reject(new Error('no')));
  await assert.rejects(failed, /no/);
  assert.equal(existsSync(path), false);
  assert.equal(await withLock(path, async () => 'done'), 'done');
});

test('work that another process holds up for too long is not waited for', async () => {
  const path = join(folder, 'held');
  const child = await holder(path);
  try {
    await assert.rejects(
      withLock(path, async () => assert.fail('It ran.'), { patienceMs: 1 }),
      LockTimeout,
    );
  } finally {
    child.kill('SIGKILL');
  }
});
