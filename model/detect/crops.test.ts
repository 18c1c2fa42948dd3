/** Crops pinned to PyTorch's 'area' resize. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternImage } from '../image/pattern.fixture.ts';
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

/** Of each cell all pixels, in double precision. */
function cropByPixels(window: readonly number[], size: number): number[] {
  const [left, top, right, bottom] = window as [number, number, number, number];
  const from = (index: number, side: number): number => Math.floor((index * side) / size);
  const to = (index: number, side: number): number => Math.ceil(((index + 1) * side) / size);
  const values: number[] = [];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      for (let colour = 0; colour < 3; colour++) {
        let [sum, count] = [0, 0];
        for (let y = top + from(row, bottom - top); y < top + to(row, bottom - top); y++) {
          for (
            let x = left + from(column, right - left);
            x < left + to(column, right - left);
            x++
          ) {
            sum += photo.data[(y * photo.width + x) * 3 + colour]!;
            count++;
          }
        }
        values.push((sum / count - 127.5) / 128);
      }
    }
  }
  return values;
}

test('windows small and large, one in the other, are averaged each by itself', () => {
  const windows = [
    ...[
      [0, 0, 90, 70],
      [1, 2, 88, 69],
      [30, 30, 40, 60],
      [3, 0, 82, 61],
      [0, 5, 79, 70],
    ],
    ...[
      [89, 69, 90, 70],
      [2, 2, 86, 70],
      [5, 1, 90, 65],
      [10, 5, 11, 70],
      [0, 1, 73, 70],
    ],
  ];
  const crops = cropAreas(photo, Int32Array.from(windows.flat()), 24);
  const expected = windows.flatMap((window) => cropByPixels(window, 24));
  assert.equal(crops.length, expected.length);
  for (const [at, value] of expected.entries()) {
    assert.ok(Math.abs(crops[at]! - value) < 1e-6, `${crops[at]} is not ${value} at ${at}`);
  }
});

test('several windows come one after the other', () => {
  const windows = Int32Array.of(10, 5, 40, 33, 80, 60, 90, 70);
  const both = cropAreas(photo, windows, 24).slice();
  assert.deepEqual(both.subarray(0, 1728), cropAreas(photo, windows.subarray(0, 4), 24));
  assert.deepEqual(both.subarray(1728), cropAreas(photo, windows.subarray(4), 24));
});
