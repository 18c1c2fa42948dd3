import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Answers } from './answers.ts';

it('answers are counted by whole seconds, and forgotten after ten minutes', () => {
  const answers = new Answers();
  for (const at of [5000, 5999, 6000]) answers.note(0.1, 1, at);
  assert.deepEqual(
    [5999, 6000, 6999, 7000, 8000].map((now) => answers.before(now)),
    [0, 2, 2, 1, 0],
  );
  answers.note(0.1, 1, 6000 + 601_000);
  assert.equal(answers.before(7000), 0);
  assert.equal(answers.before(608_000), 1);
});

it('rates are of the last minute; without an answer there is no latency', () => {
  const answers = new Answers();
  const now = Math.floor(Date.now() / 1000) * 1000;
  assert.deepEqual(answers.rates(now), { perSecond: 0, p50: null, p95: null });
  answers.note(9, 1, now - 66_000);
  for (let i = 1; i <= 100; i++) answers.note(i / 100, 1, now - (i % 2 === 0 ? 54_000 : 1000));
  const { perSecond, p50, p95 } = answers.rates(now);
  assert.equal(perSecond, 100 / 60);
  assert.ok(p50 !== null && Math.abs(p50 - 0.5) < 0.03, `${p50}`);
  assert.ok(p95 !== null && Math.abs(p95 - 0.95) < 0.03, `${p95}`);
});

it('ten photos of one request are ten answers, and none of them is no answer', () => {
  const answers = new Answers();
  const now = Math.floor(Date.now() / 1000) * 1000;
  answers.note(2, 10, now - 1000);
  answers.note(9, 0, now - 1000);
  assert.equal(answers.before(now), 10);
  const { perSecond, p50, p95 } = answers.rates(now);
  assert.equal(perSecond, 10 / 60);
  for (const seconds of [p50, p95]) assert.ok(Math.abs((seconds ?? 0) - 2) < 0.03, `${seconds}`);
});
