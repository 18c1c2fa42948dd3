/** Transforms that can be computed by hand come out as such, and no other is nearer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Point } from '../detect/faces.ts';
import { type Similarity, similarityBetween, transformed } from './similarity.ts';

const square: Point[] = [
  [0, 0],
  [2, 0],
  [2, 2],
  [0, 2],
];

function assertNear(found: Similarity, expected: Similarity): void {
  for (const key of ['a', 'b', 'dx', 'dy'] as const) {
    assert.ok(Math.abs(found[key] - expected[key]) < 1e-9, `${key}: ${found[key]}`);
  }
}

test('a shift is found', () => {
  const to = square.map(([x, y]): Point => [x + 3, y - 5]);
  assertNear(similarityBetween(square, to), { a: 1, b: 0, dx: 3, dy: -5 });
});

test('a quarter turn with twice the size is found', () => {
  // (x, y) becomes (−2y + 1, 2x + 4).
  const to = square.map(([x, y]): Point => [-2 * y + 1, 2 * x + 4]);
  assertNear(similarityBetween(square, to), { a: 0, b: 2, dx: 1, dy: 4 });
});

test('of points that do not fit, it is the least-squares answer', () => {
  // Stretched across only: by hand, the scale is Σ p·q / Σ |p|² = (4·1·2 + 4·1·1) / 8.
  const to = square.map(([x, y]): Point => [2 * x, y]);
  assertNear(similarityBetween(square, to), { a: 1.5, b: 0, dx: 0.5, dy: -0.5 });
});

test('a mirror image is not reached by mirroring', () => {
  const to = square.map(([x, y]): Point => [-x, y]);
  const { a, b } = similarityBetween(square, to);
  assert.ok(Math.hypot(a, b) < 1e-9, 'a square and its mirror image have no turn in common');
});

test('no small change brings the points nearer', () => {
  const point = fc.tuple(
    fc.double({ min: -100, max: 100, noNaN: true }),
    fc.double({ min: -100, max: 100, noNaN: true }),
  );
  const five = fc.array(point, { minLength: 5, maxLength: 5 });
  const from: Point[] = [
    [70, 60],
    [120, 65],
    [95, 90],
    [75, 115],
    [112, 118],
  ];
  fc.assert(
    fc.property(five, (to) => {
      const best = similarityBetween(from, to);
      const sum = (place: Similarity): number =>
        from.reduce((total, one, index) => {
          const [x, y] = transformed(place, one);
          return total + (x - to[index]![0]) ** 2 + (y - to[index]![1]) ** 2;
        }, 0);
      const least = sum(best);
      for (const [key, step] of [
        ['a', 1e-3],
        ['b', 1e-3],
        ['dx', 0.1],
        ['dy', 0.1],
      ] as const) {
        for (const change of [step, -step]) {
          assert.ok(sum({ ...best, [key]: best[key] + change }) > least - 1e-9);
        }
      }
    }),
  );
});
