import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { BenchError } from './errors.ts';
import { joined, openPython } from './python.ts';

const absent = spawnSync('python3', ['--version']).error !== undefined;
const silent = (): void => {};

it('takes a given Python that loads every module', { skip: absent && 'no python3' }, async () => {
  const given = { packages: [], modules: ['json', 'http.client'], python: 'python3' };
  assert.equal(await openPython(given, silent), 'python3');
});

it('names what a given Python lacks', { skip: absent && 'no python3' }, async () => {
  const given = { packages: [], modules: ['json', 'no_such_module'], python: 'python3' };
  await assert.rejects(openPython(given, silent), (error) => {
    assert.ok(error instanceof BenchError);
    assert.match(error.message, /does not load json, no_such_module: .*'no_such_module'/);
    return true;
  });
});

it('joins the needs of several peers', () => {
  const one = { packages: ['a==1'], modules: ['a'], python: '/p' };
  const other = { packages: ['b==1'], alone: ['c==1'], modules: ['b', 'c'] };
  assert.deepEqual(joined(one, other), {
    packages: ['a==1', 'b==1'],
    alone: ['c==1'],
    modules: ['a', 'b', 'c'],
    python: '/p',
  });
});
