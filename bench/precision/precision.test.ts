import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PrecisionRow, precisionTable } from './precision.ts';

const party = (asked: string, passes: number[], precision: string | undefined = asked) => ({
  asked,
  passes,
  precision,
  reason: '',
});
const lastLine = (row: PrecisionRow): string => precisionTable([row]).split('\n').at(-1)!;

test('auto is set against the faster fixed precision round by round, times are per photo', () => {
  const row: PrecisionRow = {
    instructions: 'all',
    photos: 'course',
    count: 10,
    parties: [
      party('auto', [206, 400, 210], 'bfloat16'),
      party('float32', [600, 900, 610]),
      party('bfloat16', [200, 400, 200]),
      party('control', [198, 404, 200], 'bfloat16'),
    ],
    trial: { wallMs: 190.4, processorMs: 150 },
  };
  assert.equal(
    lastLine(row),
    '| all | course | 61.0 | 20.0 | 21.0 | bfloat16 | 1.03 | 1.00 | 190 (150) |',
  );
});

test('a wrong choice shows as a ratio above 1', () => {
  const row: PrecisionRow = {
    instructions: 'some',
    photos: 'course',
    count: 1,
    parties: [
      party('auto', [90], 'bfloat16'),
      party('float32', [60]),
      party('bfloat16', [90]),
      party('control', [90], 'bfloat16'),
    ],
    trial: { wallMs: 100, processorMs: 90 },
  };
  assert.match(lastLine(row), /\| bfloat16 \| 1\.50 \| 1\.00 \|/);
});

test('a precision that does not run is said not to, and is not the faster one', () => {
  const row: PrecisionRow = {
    instructions: 'few',
    photos: 'course',
    count: 1,
    parties: [
      party('auto', [61], 'float32'),
      party('float32', [60]),
      { asked: 'bfloat16', passes: [], precision: undefined, reason: 'no' },
      party('control', [60], 'float32'),
    ],
    trial: { wallMs: 100, processorMs: 90 },
  };
  assert.match(lastLine(row), /\| 60\.0 \| does not run \| 61\.0 \| float32 \| 1\.02 \| 1\.00 \|/);
});
