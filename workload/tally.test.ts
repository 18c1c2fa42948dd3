import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { percentile, summarizeLatencies } from './tally.ts';

test('a percentile is the nearest rank of the ascending values', () => {
  const sorted = [15, 20, 35, 40, 50];
  assert.equal(percentile(sorted, 5), 15);
  assert.equal(percentile(sorted, 30), 20);
  assert.equal(percentile(sorted, 40), 20);
  assert.equal(percentile(sorted, 50), 35);
  assert.equal(percentile(sorted, 100), 50);
});

test('the summary sorts as numbers, not as text', () => {
  assert.deepEqual(summarizeLatencies([100, 9, 20]), {
    min: 9,
    p50: 20,
    p90: 100,
    p95: 100,
    p99: 100,
    max: 100,
  });
});

test('no latency has no summary', () => {
  assert.equal(summarizeLatencies([]), undefined);
});

test('a percentile has at least that share of the values at or below it, and no lower value has', () => {
  const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 100 }), (latencies, percent) => {
      const sorted = latencies.toSorted((a, b) => a - b);
      const value = percentile(sorted, percent);
      const share = (of: number) => sorted.filter((one) => one <= of).length / sorted.length;
      assert.ok(share(value) >= percent / 100);
      for (const lower of sorted.filter((one) => one < value)) {
        assert.ok(share(lower) < percent / 100);
      }
    }),
  );
});
