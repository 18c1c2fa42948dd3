import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { until } from '../../test/condition.fixture.ts';
import { isAlive, temporaryFolder } from '../cloud.fixture.ts';
import { startChild } from './child.ts';

const folder = temporaryFolder();
after(() => folder.remove());
const environment = { PATH: process.env.PATH ?? '' };
const logFile = join(folder.path, 'child.log');

test('what a child writes is in its log, and how it ended is reported', async () => {
  const child = await startChild({
    args: ['-e', "console.error('a line'); process.exit(3)"],
    environment,
    logFile,
    graceMs: 1000,
  });
  assert.equal(await child.gone, 'exited with code 3');
  assert.match(readFileSync(logFile, 'utf8'), /a line/);
});

test('a log is rotated while it is written, and what it held is kept beside it', async () => {
  const large = join(folder.path, 'large.log');
  const child = await startChild({
    args: [
      '-e',
      `const { writeSync } = require('node:fs');
       for (let i = 0; i < 11; i++) writeSync(2, 'early'.padEnd(1024 * 1024 - 1, '.') + '\\n');
       setInterval(() => writeSync(2, 'late\\n'), 20);`,
    ],
    environment,
    logFile: large,
    graceMs: 1000,
  });
  await until('the log to be rotated', () => existsSync(`${large}.before`), { limitMs: 30_000 });
  await until('lines after that', () => readFileSync(large, 'utf8').startsWith('late\nlate\n'));
  assert.equal(readFileSync(`${large}.before`, 'utf8').match(/early/g)?.length, 11);
  child.stop();
  await child.gone;
});

test('what a child says over its channel is heard', async () => {
  const heard = Promise.withResolvers<unknown>();
  const child = await startChild({
    args: ['-e', 'process.send({ listening: 8000 })'],
    environment,
    logFile,
    graceMs: 1000,
    onMessage: heard.resolve,
  });
  assert.deepEqual(await heard.promise, { listening: 8000 });
  await child.gone;
});

test('a kill -9 of the parent takes its children and redis-server with it, at once or after their grace', async () => {
  const pids = join(folder.path, 'pids.json');
  const url = (file: string): string => pathToFileURL(join(import.meta.dirname, file)).href;
  // One ends on SIGTERM; the other ignores it.
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `
      import { writeFileSync } from 'node:fs';
      const { startChild } = await import('${url('child.ts')}');
      const { startRedis } = await import('${url('../redis.ts')}');
      const start = (script) => startChild({
        args: ['-e', script], environment: {}, logFile: ${JSON.stringify(logFile)}, graceMs: 1000,
      });
      const polite = await start('setInterval(() => 0, 1000)');
      const stubborn = await start('process.on("SIGTERM", () => 0); setInterval(() => 0, 1000)');
      const redis = await startRedis({
        folder: ${JSON.stringify(join(folder.path, 'redis'))},
        logFile: ${JSON.stringify(join(folder.path, 'redis.log'))},
        searchPath: process.env.PATH,
      });
      writeFileSync(${JSON.stringify(pids)}, JSON.stringify({
        children: [polite.pid, stubborn.pid], redis: redis.url, kind: redis.kind,
      }));
      setInterval(() => 0, 1000);
      `,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const found = await until('the children', () => {
    const text = existsSync(pids) ? readFileSync(pids, 'utf8') : '';
    return (
      text.endsWith('}') &&
      (JSON.parse(text) as { children: number[]; redis: string; kind: string })
    );
  });
  for (const pid of found.children) assert.ok(await isAlive(pid));
  parent.kill('SIGKILL');
  for (const pid of found.children) {
    await until(`process ${pid} to be gone`, async () => !(await isAlive(pid)));
  }
  const port = Number(new URL(found.redis).port);
  await until(
    'redis-server to be gone',
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('error', () => resolve(true));
        socket.once('connect', () => {
          socket.destroy();
          resolve(false);
        });
      }),
  );
});
