import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PrecisionRow, precisionTable } from './precision.ts';

const party = (asked: string, ms: number, precision: string | undefined = asked) => ({
  asked,
  ms,
  precision,
  reason: '',
});

test('auto is set against the faster fixed precision, per photo', () => {
  const row: PrecisionRow = {
    instructions: 'all',
    photos: 'course',
    count: 10,
    parties: [party('auto', 206, 'bfloat16'), party('float32', 600), party('bfloat16', 200)],
    trial: { wallMs: 190.4, processorMs: 150 },
  };
  assert.equal(
    precisionTable([row]).split('\n')[2],
    '| all | course | 60.0 | 20.0 | 20.6 | bfloat16 | 1.03 | 190 (150) |',
  );
});

test('a precision that does not run is said not to, and is not the faster one', () => {
  const row: PrecisionRow = {
    instructions: 'few',
    photos: 'course',
    count: 1,
    parties: [
      party('auto', 61, 'float32'),
      party('float32', 60),
      { asked: 'bfloat16', ms: Number.POSITIVE_INFINITY, precision: undefined, reason: 'no' },
    ],
    trial: { wallMs: 100, processorMs: 90 },
  };
  assert.match(precisionTable([row]), /\| 60\.0 \| does not run \| 61\.0 \| float32 \| 1\.02 \|/);
});
