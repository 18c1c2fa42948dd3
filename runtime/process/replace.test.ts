import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../test/condition.fixture.ts';
import { canReplaceProcess } from './replace.ts';

const FIXTURE = fileURLToPath(new URL('./replace.fixture.ts', import.meta.url));
const PARENT = `
  const { spawn } = require('node:child_process');
  spawn(process.execPath, [${JSON.stringify(FIXTURE)}, 'an argument'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  setInterval(() => {}, 60_000);`;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('a replaced process keeps its id and arguments, and leaves when its parent is gone', {
  skip: !canReplaceProcess && 'this system has no execve',
}, async () => {
  const parent = spawn(process.execPath, ['-e', PARENT], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const { before, pid, argv } = JSON.parse(line);
  assert.equal(pid, before);
  assert.deepEqual(argv, ['an argument']);
  assert.ok(isAlive(pid));
  parent.kill('SIGKILL');
  await until('it to be gone', () => !isAlive(pid));
});
