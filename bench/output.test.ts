import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stepLines } from './output.ts';

it('where nobody watches, a step is a line at most every ten seconds', () => {
  const said: string[] = [];
  let now = 0;
  const step = stepLines(
    (line) => said.push(line),
    () => now,
  );
  step('starting');
  now = 9999;
  step('photos', { done: 1, all: 9 });
  now = 10_000;
  step('photos', { done: 2, all: 9 });
  assert.deepEqual(said, ['starting', 'photos, 2 of 9']);
});
