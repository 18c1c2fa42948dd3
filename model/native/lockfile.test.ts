import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { markLockfile } from './lockfile.ts';

const lockfile = (entries: object): string =>
  `${JSON.stringify({ lockfileVersion: 3, packages: { '': {}, ...entries } }, null, 2)}\n`;

test('the lockfile of this project has the marks', async () => {
  const text = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8');
  assert.ok(markLockfile(text) === text, 'run npm run mark-lockfile');
});

test('an entry as npm writes it gets the mark, and loses what runs its script', () => {
  const key = 'node_modules/@tensorflow/tfjs-node';
  const asNpmWrites = { version: '1.0.0', integrity: 'x', hasInstallScript: true, license: 'MIT' };
  const marked = markLockfile(lockfile({ [key]: asNpmWrites }));
  assert.deepEqual(JSON.parse(marked).packages[key], {
    version: '1.0.0',
    integrity: 'x',
    gypfile: false,
    license: 'MIT',
  });
  assert.equal(markLockfile(marked), marked);
});

test('no other package is touched', () => {
  const text = lockfile({ 'node_modules/node': { version: '1.0.0', hasInstallScript: true } });
  assert.equal(markLockfile(text), text);
});
