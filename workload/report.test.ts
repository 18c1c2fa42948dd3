import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMs, formatSummary } from './report.ts';
import { Tally } from './tally.ts';

const image = (index: number) => ({
  path: `/photos/${index}.jpg`,
  name: `${index}.jpg`,
  stem: `${index}`,
});

test('the table says what was asked, answered, right and how long it took', () => {
  const tally = new Tally(3, true);
  tally.answered(image(0), 12, { verdict: 'correct' });
  tally.answered(image(1), 2500, { verdict: 'wrong', why: 'expected Paul, got Emily' });
  tally.failed(image(2), 'HTTP 422', 'There is no face in this photo.');
  tally.durationMs = 4000;
  const text = formatSummary(tally.summary());
  for (const row of [
    /\| requests +\| +3 \|/,
    /\| successful +\| +2 \|/,
    /\| failed +\| +1 \|/,
    /\| correct +\| +1 \|/,
    /\| wrong +\| +1 \|/,
    /\| duration +\| +4\.00 s \|/,
    /\| throughput +\| +0\.5 answers\/s \|/,
    /\| latency min +\| +12 ms \|/,
    /\| latency max +\| +2\.50 s \|/,
    /1 × HTTP 422: There is no face in this photo\. \[2\.jpg\]/,
    /1 × wrong answer: expected Paul, got Emily \[1\.jpg\]/,
  ]) {
    assert.match(text, row);
  }
  const widths = new Set(
    text
      .split('\n')
      .filter((line) => /^[|+]/.test(line))
      .map((l) => l.length),
  );
  assert.equal(widths.size, 1, 'the frame is straight');
});

test('the list of failures stays short however many there are', () => {
  const tally = new Tally(10_000, false);
  for (let i = 0; i < 10_000; i++) tally.failed(image(i), 'connection', `reason ${i % 500}`);
  const { failures, unlisted, failed } = tally.summary();
  assert.equal(failed, 10_000);
  assert.ok(failures.length <= 20 && failures.every(({ files }) => files.length <= 3));
  const listed = failures.reduce((sum, { count }) => sum + count, 0);
  assert.equal(listed + unlisted, 10_000);
  assert.ok(formatSummary(tally.summary()).split('\n').length < 50);
});

test('a run that answered less than was asked has not passed', () => {
  const tally = new Tally(2, false);
  tally.answered(image(0), 1, { verdict: 'unjudged' });
  assert.equal(tally.summary().passed, false);
  tally.answered(image(1), 1, { verdict: 'unjudged' });
  assert.equal(tally.summary().passed, true);
});

test('times are said in the unit that suits them', () => {
  assert.deepEqual([1.24, 850.4, 12_340].map(formatMs), ['1.2 ms', '850 ms', '12.34 s']);
});
