import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LogFiles } from './logs.ts';

const line = (second: number, msg: string, rest: object = {}): string =>
  `${JSON.stringify({ level: 'info', time: `2026-01-01T00:00:0${second}.000Z`, service: 'web', msg, ...rest })}\n`;

describe('the logs of a local stack', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-logs-'));
  });
  after(() => rm(folder, { recursive: true }));

  const said = async (logs: LogFiles): Promise<(string | undefined)[]> =>
    (await logs.next()).map(({ msg }) => msg);

  /** As local/processes/child.ts does it. */
  async function rotate(file: string): Promise<void> {
    await copyFile(file, `${file}.before`);
    await truncate(file);
  }

  it('come in the order of time whatever file they are in, and each once', async () => {
    const logs = new LogFiles(folder, {});
    assert.deepEqual(await said(logs), []);
    await writeFile(join(folder, 'web.log'), line(1, 'a') + line(3, 'c'));
    await writeFile(join(folder, 'worker.log'), `${line(2, 'b')}(node:1) Warning: no line\n{"cut`);
    assert.deepEqual(await said(logs), ['a', 'b', 'c']);
    await appendFile(join(folder, 'worker.log'), line(4, 'x').slice(5, 20));
    assert.deepEqual(await said(logs), []);
    await appendFile(join(folder, 'web.log'), line(4, 'd').slice(0, 20));
    assert.deepEqual(await said(logs), []);
    await appendFile(join(folder, 'web.log'), line(4, 'd').slice(20));
    assert.deepEqual(await said(logs), ['d']);
    // A process that starts again begins a log that was too long from its start.
    await writeFile(join(folder, 'web.log'), line(5, 'e'));
    assert.deepEqual(await said(logs), ['e']);
  });

  it('are read whole when they are larger than what is read at once', async () => {
    const many = Array.from({ length: 5000 }, (_, at) => line(1, `${at} ${'ä'.repeat(50)}`));
    await writeFile(join(folder, 'long.log'), many.join(''));
    const lines = await new LogFiles(folder, { since: 0 }).next();
    assert.equal(lines.filter(({ msg }) => / ä{50}$/.test(msg ?? '')).length, 5000);
  });

  it('are left out by request, service, level and age', async () => {
    const lines = [
      line(1, 'mine', { request: 'abc-1' }),
      line(2, 'other', { request: 'abd-1' }),
      line(3, 'loud', { level: 'error', service: 'worker' }),
    ];
    await writeFile(join(folder, 'few.log'), lines.join(''));
    const with_ = (filter: ConstructorParameters<typeof LogFiles>[1]) =>
      said(new LogFiles(folder, filter));
    assert.deepEqual(await with_({ request: 'abc' }), ['mine']);
    assert.deepEqual(await with_({ service: 'worker', level: 'warn' }), ['loud']);
    assert.deepEqual(await with_({ level: 'error' }), ['loud']);
    const since = Date.parse('2026-01-01T00:00:05Z');
    assert.deepEqual(await with_({ since }), ['e']);
  });

  it('are read with what stood in a file before it was rotated, but not twice', async () => {
    const file = join(folder, 'old.log');
    const old = { request: 'old' };
    await writeFile(file, line(1, 'copied', old));
    const logs = new LogFiles(folder, old);
    assert.deepEqual(await said(logs), ['copied']);
    await rotate(file);
    assert.deepEqual(await said(logs), []);
    assert.deepEqual(await said(new LogFiles(folder, old)), ['copied']);
  });

  it('are followed without a gap while a file is rotated', async () => {
    const file = join(folder, 'gap.log');
    const gap = { request: 'gap' };
    await writeFile(file, line(1, 'a', gap));
    const logs = new LogFiles(folder, gap);
    assert.deepEqual(await said(logs), ['a']);
    await appendFile(file, line(2, 'just before', gap));
    await rotate(file);
    assert.deepEqual(await said(logs), ['just before']);
    await appendFile(file, line(3, 'b', gap));
    assert.deepEqual(await said(logs), ['b']);
    // Longer again than it was, when somebody looks the next time.
    await appendFile(file, line(4, 'also', gap));
    await rotate(file);
    await appendFile(file, line(5, 'long'.repeat(100), gap) + line(6, 'c', gap));
    assert.deepEqual(await said(logs), ['also', 'long'.repeat(100), 'c']);
    assert.deepEqual(await said(logs), []);
  });

  it('are read once while their copy is there and they are not yet emptied', async () => {
    const file = join(folder, 'half.log');
    const half = { request: 'half' };
    await writeFile(file, line(1, 'a', half));
    const logs = new LogFiles(folder, half);
    assert.deepEqual(await said(logs), ['a']);
    await appendFile(file, line(2, 'b', half));
    await copyFile(file, `${file}.before`);
    assert.deepEqual(await said(logs), ['b']);
    assert.deepEqual(await said(new LogFiles(folder, half)), ['a', 'b']);
    await truncate(file);
    assert.deepEqual(await said(logs), []);
  });
});
