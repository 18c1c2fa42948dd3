/** A face is turned upright, whatever its place, size and turn in the photo. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Point } from '../detect/faces.ts';
import type { RgbImage } from '../image/image.ts';
import { cutByLandmarks, templateOf } from './landmarks.ts';

const SIZE = 150;

test('the five points lie in the inner two thirds of the square', () => {
  // By hand: the padding of a quarter on each side makes 1.5 sides 150 px, so that share s is at 25 + 100·s.
  const [left, right, nose] = templateOf(SIZE) as [Point, Point, Point];
  assert.ok(Math.abs(left[0] - 47.86) < 1e-9 && Math.abs(left[1] - 45.11) < 1e-9);
  assert.ok(Math.abs(right[0] - 102.14) < 1e-9);
  assert.ok(Math.abs(nose[0] - 75) < 1e-9 && Math.abs(nose[1] - 79.1) < 1e-9);
});

/** A white disc at each landmark on grey. */
function faceAt(points: readonly Point[], radius: number): RgbImage {
  const [width, height] = [500, 400];
  const data = new Uint8Array(width * height * 3).fill(60);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isNear = points.some(([px, py]) => Math.hypot(x + 0.5 - px, y + 0.5 - py) < radius);
      if (isNear) data.fill(250, (y * width + x) * 3, (y * width + x + 1) * 3);
    }
  }
  return { width, height, data };
}

for (const [scale, turn] of [
  [0.4, 0],
  [1, 0.5],
  [1.9, -0.3],
  [2.2, 1.2],
] as const) {
  test(`of ${scale} times the size, turned by ${turn}, it comes out upright`, () => {
    const [cos, sin] = [scale * Math.cos(turn), scale * Math.sin(turn)];
    const points = templateOf(SIZE).map(([x, y]): Point => {
      const [u, v] = [x - 75, y - 75];
      return [250 + cos * u - sin * v, 200 + sin * u + cos * v];
    });
    const crop = cutByLandmarks(faceAt(points, 6 * scale), points, SIZE);
    for (const [x, y] of templateOf(SIZE)) {
      let [mass, sumX, sumY] = [0, 0, 0];
      for (let row = Math.floor(y) - 9; row <= y + 9; row++) {
        for (let column = Math.floor(x) - 9; column <= x + 9; column++) {
          const bright = crop[(row * SIZE + column) * 3]! - 60;
          mass += bright;
          sumX += bright * (column + 0.5);
          sumY += bright * (row + 0.5);
        }
      }
      const off = Math.hypot(sumX / mass - x, sumY / mass - y);
      // A disc of few pixels has its centre a third of a pixel off at most.
      assert.ok(off < 0.4, `the disc at ${x}, ${y} is ${off} px off`);
    }
  });
}
