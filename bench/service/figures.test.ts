import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { memoryOf, startedAt } from '../processes.ts';
import { drawService, figures, quantile, type Round } from './figures.ts';

const round = (warm: number, course?: number): Round => ({
  warmPerSecond: warm,
  fromZeroPerSecond: 8,
  firstFromZeroMs: 2500,
  alonePerSecond: 20,
  course: course === undefined ? undefined : { photosPerSecond: course, unloaded: [160] },
  unloaded: [
    { whole: 60, recognition: 50 },
    { whole: 70, recognition: 50 },
    { whole: 100, recognition: 50 },
  ],
});
const measured = (rounds: Round[], what: RegExp): string | undefined =>
  figures(rounds, 'float32', false).find((figure) => what.test(figure.what))?.measured;

it('ratios are taken within a round, then their median over the rounds', () => {
  const rounds = [round(18, 9), round(16, 4), round(10, 10)];
  assert.equal(measured(rounds, /against the Python design/), '2.00 times');
  assert.equal(measured(rounds, /against inference alone/), '0.80 times');
});

it('what the service adds is each photo’s latency without its own recognition', () => {
  assert.equal(measured([round(18)], /adds .* p50/), '20.0 ms');
  assert.equal(measured([round(18)], /^the same, p99/), '50.0 ms');
});

it('says what was not measured, and draws only what was', () => {
  assert.equal(measured([round(18)], /against the Python design/), 'not measured');
  assert.equal(measured([round(18)], /bfloat16/), 'not on this processor');
  assert.doesNotMatch(drawService([round(18)], 'title'), /Python/);
  assert.match(drawService([round(18, 9)], 'title'), /Python.*9\.0/s);
});

it('quantiles are of nearest rank', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([3, 1, 2], 0.99), 3);
});

it('books of a process count those below it', {
  skip: !existsSync('/proc/self/smaps_rollup') && 'no /proc',
}, async () => {
  const before = await memoryOf(process.pid);
  const began = Date.now();
  const child = spawn(process.execPath, ['-e', 'console.log(1); process.stdin.resume()'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const [started = 0, after] = [await startedAt(child.pid ?? 0), await memoryOf(process.pid)];
  child.kill();
  assert.ok(before && after && after.resident > before.resident + 20e6);
  assert.ok(after.private < after.resident);
  assert.ok(Math.abs(started - began) < 1000);
});
