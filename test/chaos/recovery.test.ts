import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Upload } from './ledger.ts';
import { recoveries } from './recovery.ts';

type One = Pick<Upload, 'from' | 'to' | 'told' | 'expected' | 'isBurst'>;

/** An upload each 200 ms until `until`; `ms` says what its answer takes. */
function uploads(until: number, ms: (from: number) => number, status = 200): One[] {
  const expected = { kind: 'name', name: 'x' } as const;
  return Array.from({ length: until / 200 }, (_, index) => {
    const from = index * 200;
    const told = { kind: 'answer', status, text: '' } as const;
    return { from, to: from + ms(from), told, expected, isBurst: false };
  });
}
const times = { calmFrom: 0, until: 100_000 };

describe('recovery of honest p95', () => {
  it('is counted from a fault’s end until answers are as fast as before', () => {
    const slow = uploads(100_000, (from) => (from >= 20_000 && from < 33_000 ? 5000 : 1000));
    const fault = { row: 'failover', from: 20_000, to: 30_000 };
    const { before, all, breaches } = recoveries(slow, [fault], times);
    assert.equal(before, 1000);
    assert.deepEqual(all, [{ row: 'failover', from: 30_000, ms: 3000 }]);
    assert.deepEqual(breaches, []);
  });

  it('is a breach when it takes more than 30 s, also when all are errors', () => {
    const slow = uploads(100_000, (from) => (from >= 20_000 ? 1600 : 1000));
    const fault = { row: 'birth', from: 20_000, to: 30_000 };
    const { all, breaches } = recoveries(slow, [fault], times);
    assert.deepEqual(all, [{ row: 'birth', from: 30_000, ms: undefined }]);
    assert.match(breaches.join(), /not back to 1500 ms within 30 s of birth: 1600 ms/);
    const refused = [
      ...uploads(20_000, () => 100),
      ...uploads(100_000, () => 10, 503).filter(({ from }) => from >= 20_000),
    ];
    assert.equal(recoveries(refused, [fault], times).breaches.length, 1);
  });

  it('is of a storm where faults overlap, and unknown where the next comes too soon', () => {
    const slow = uploads(100_000, (from) => (from >= 20_000 && from < 60_000 ? 5000 : 1000));
    const faults = [
      { row: 'a', from: 20_000, to: 40_000 },
      { row: 'b', from: 25_000, to: 26_000 },
      { row: 'c', from: 50_000, to: 50_000 },
    ];
    const { all, breaches } = recoveries(slow, faults, times);
    assert.deepEqual(all, [{ row: 'c', from: 50_000, ms: 10_000 }]);
    assert.deepEqual(breaches, []);
    const fast = recoveries(
      uploads(100_000, () => 1000),
      faults,
      times,
    );
    assert.deepEqual(
      fast.all.map(({ row }) => row),
      ['storm', 'c'],
    );
  });
});
