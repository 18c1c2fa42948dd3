import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { leaks } from './judge.ts';

it('a secret in a log is found, named with its line, and not repeated', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-leaks-'));
  await writeFile(join(folder, 'web.log'), 'fine\nredis://:s3cret@127.0.0.1 is away\n');
  await writeFile(join(folder, 'scaler.log'), 'fine\n');
  assert.deepEqual(await leaks(folder, ['s3cret', 'other']), [
    'web.log holds a secret: redis://:***@127.0.0.1 is away',
  ]);
  await rm(folder, { recursive: true });
});
