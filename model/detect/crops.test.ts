/** Crops pinned to PyTorch's 'area' resize. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternImage } from '../pattern.fixture.ts';
import { cropAreas } from './crops.ts';

const photo = patternImage(90, 70);

/** (interpolate(pattern[window], size, mode='area') - 127.5) / 128 */
const pinned = [
  {
    what: 'reduced',
    window: [10, 5, 40, 33],
    size: 24,
    first: [0.1914062, 0.15625, 0.2265625, -0.109375, 0.1484375, 0.0117188],
    sum: 400.828125,
  },
  {
    what: 'enlarged',
    window: [80, 60, 90, 70],
    size: 24,
    first: [0.3164062, 0.9960938, -0.2226562, 0.3164062, 0.9960938, -0.2226562],
    sum: 670.796875,
  },
  {
    what: 'of the whole photo',
    window: [0, 0, 90, 70],
    size: 48,
    first: [-0.6210938, -0.34375, -0.4609375, -0.0742188, -0.0221354, 0.1289062],
    sum: 1300.2786451280117,
  },
];

for (const { what, window, size, first, sum } of pinned) {
  test(`a crop ${what} averages the pixels PyTorch averages`, () => {
    const crop = cropAreas(photo, Int32Array.from(window), size);
    assert.equal(crop.length, size * size * 3);
    for (const [at, value] of first.entries()) assert.ok(Math.abs(crop[at]! - value) < 1e-6);
    const total = crop.reduce((running, value) => running + Math.abs(value), 0);
    assert.ok(Math.abs(total - sum) < 1e-3);
  });
}

test('several windows come one after the other', () => {
  const windows = Int32Array.of(10, 5, 40, 33, 80, 60, 90, 70);
  const both = cropAreas(photo, windows, 24);
  assert.deepEqual(both.subarray(0, 1728), cropAreas(photo, windows.subarray(0, 4), 24));
  assert.deepEqual(both.subarray(1728), cropAreas(photo, windows.subarray(4), 24));
});
