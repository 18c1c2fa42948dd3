import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { until } from '../../test/condition.fixture.ts';
import { keepHeartbeat } from './heartbeat.ts';

describe('the heartbeat file', () => {
  it('is there at once, and renewed as long as the process runs', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'elastic-face-heartbeat-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'alive');
    keepHeartbeat(file, pino({ level: 'silent' }), 10);
    const first = readFileSync(file, 'utf8');
    assert.ok(Math.abs(Date.parse(first.trim()) - Date.now()) < 10_000);
    await until('a later time in it', () => readFileSync(file, 'utf8') !== first);
  });

  it('that cannot be written is reported once, and written as soon as it can be', async (t) => {
    const parent = mkdtempSync(join(tmpdir(), 'elastic-face-heartbeat-'));
    t.after(() => rmSync(parent, { recursive: true }));
    const folder = join(parent, 'missing');
    const said: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });
    keepHeartbeat(join(folder, 'alive'), log, 5);
    await new Promise(setImmediate);
    mkdirSync(folder);
    await until('the file', () => existsSync(join(folder, 'alive')));
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /HEARTBEAT_FILE/);
  });
});
