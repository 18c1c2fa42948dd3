import assert from 'node:assert/strict';
import { it } from 'node:test';
import { equalError, reportOf } from './threshold.ts';

it('both errors are equal where as many of one side are above as of the other below', () => {
  assert.ok(Math.abs(equalError([0.5, 0.6, 0.7, 0.9], [0.8, 1, 1.1, 1.2]) - 0.85) < 0.06);
  const apart = equalError([0.4, 0.5], [1, 1.1]);
  assert.ok(apart > 0.5 && apart <= 1, `${apart} lies between them`);
});

it('the table counts both errors at each threshold, and marks the one that is set', () => {
  const distances = { own: [0.5, 0.9], stranger: [0.8, 1], gallery: [0.8, 1.1] };
  const report = reportOf(distances, 0.85);
  assert.match(report, /^2 different faces; 2 people in the gallery\.$/m);
  assert.match(
    report,
    /^\| 0\.85 \(set\) \| 1 of 2 \(50 %\) \| 1 of 2 \(50 %\) \| 1 of 2 \(50 %\) \|$/m,
  );
});
