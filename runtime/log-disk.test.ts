import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../test/condition.fixture.ts';

const LOG = new URL('./log.ts', import.meta.url).href;
/** Logs a line every few ms, and tells over standard output how many. */
const PROGRAM = `
import { createLogger } from ${JSON.stringify(LOG)};
const log = createLogger('test', 'info');
let count = 0;
setInterval(() => {
  log.info({ count: ++count, padding: 'x'.repeat(500) }, 'line');
  if (count % 10 === 0) process.stdout.write(count + '\\n');
}, 1);
`;

/** Its standard error goes to a file that takes no more than the shell's limit of 512-byte blocks. */
function logInto(file: string, limit: string) {
  const log = openSync(file, 'a');
  const child = spawn(
    '/bin/sh',
    ['-c', `${limit} exec "$0" --input-type=module -e "$1"`, process.execPath, PROGRAM],
    { stdio: ['ignore', 'pipe', log] },
  );
  closeSync(log);
  let lines = 0;
  child.stdout?.on('data', (text: Buffer) => {
    lines = Number(text.toString().trim().split('\n').at(-1));
  });
  return { child, lines: () => lines };
}

describe('a log whose disk is full', {
  skip: process.platform !== 'linux' && 'needs Linux',
}, () => {
  it('ends no service', async () => {
    const { child, lines } = logInto('/dev/full', '');
    await until('it to log on', () => lines() >= 100 || child.exitCode !== null);
    assert.equal(child.exitCode, null, 'it still runs');
    child.kill();
    await once(child, 'close');
  });

  it('is written again once there is room', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'elastic-face-log-'));
    const file = join(folder, 'service.log');
    const { child, lines } = logInto(file, 'ulimit -f 20;');
    await until('it to log more than fits', () => lines() >= 100 || child.exitCode !== null);
    assert.equal(child.exitCode, null, 'it still runs');
    truncateSync(file);
    const from = lines();
    const after = await until('a later line', () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}') && line.startsWith('{'))
        .map((line) => JSON.parse(line).count as number)
        .find((count) => count > from),
    );
    assert.ok(after > from);
    child.kill();
    await once(child, 'close');
    rmSync(folder, { recursive: true });
  });
});
