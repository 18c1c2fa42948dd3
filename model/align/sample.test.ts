/** A square is read out of a photo exactly where arithmetic says it is, without aliasing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RgbImage } from '../image/image.ts';
import { patternImage } from '../image/pattern.fixture.ts';
import { resizeBilinear } from '../image/resample.ts';
import { sampleSimilarity } from './sample.ts';

/** Grey by a function of the pixel. */
function greyImage(
  width: number,
  height: number,
  grey: (x: number, y: number) => number,
): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return grey(pixel % width, Math.floor(pixel / width));
  });
  return { width, height, data };
}

test('without a turn and in its own size, the pixels are the photo’s', () => {
  const image = patternImage(40, 30);
  const square = sampleSimilarity(image, { a: 1, b: 0, dx: 7, dy: 4 }, 20);
  for (let y = 0; y < 20; y++) {
    const from = ((y + 4) * 40 + 7) * 3;
    assert.deepEqual(
      square.subarray(y * 60, (y + 1) * 60),
      Uint8Array.from(image.data.subarray(from, from + 60)),
    );
  }
});

test('a quarter turn moves the pixels and changes none', () => {
  const image = patternImage(10, 10);
  // (u, v) becomes (10 − v, u).
  const square = sampleSimilarity(image, { a: 0, b: 1, dx: 10, dy: 0 }, 10);
  for (const [row, column] of [
    [0, 0],
    [3, 8],
    [9, 9],
  ] as const) {
    const from = (column * 10 + (9 - row)) * 3;
    const to = (row * 10 + column) * 3;
    assert.deepEqual(square.slice(to, to + 3), Uint8Array.from(image.data.slice(from, from + 3)));
  }
});

test('between pixels it is the share of each', () => {
  // From 0 to 90 in steps of 10: a quarter of a pixel on, all are 2.5 larger, rounded.
  const image = greyImage(10, 4, (x) => 10 * x);
  const square = sampleSimilarity(image, { a: 1, b: 0, dx: 2.25, dy: 0 }, 4);
  assert.deepEqual(
    [0, 1, 2, 3].map((column) => square[column * 3]),
    [23, 33, 43, 53],
  );
});

test('a slope stays a slope at any angle', () => {
  const image = greyImage(200, 200, (x, y) => (x + y) / 2);
  const place = { a: 0.6, b: 0.8, dx: 90, dy: 40 };
  const square = sampleSimilarity(image, place, 60);
  for (let v = 0; v < 60; v++) {
    for (let u = 0; u < 60; u++) {
      const x = 0.6 * (u + 0.5) - 0.8 * (v + 0.5) + 90 - 0.5;
      const y = 0.8 * (u + 0.5) + 0.6 * (v + 0.5) + 40 - 0.5;
      const found = square[(v * 60 + u) * 3]!;
      assert.ok(Math.abs(found - (x + y) / 2) <= 1, `${u}, ${v}: ${found}`);
    }
  }
});

test('a pattern finer than the square becomes its mean, not another pattern', () => {
  const image = greyImage(400, 400, (x, y) => ((x + y) % 2) * 200);
  for (const turn of [0, 0.1, 0.7]) {
    const scale = 4.3;
    const [a, b] = [scale * Math.cos(turn), scale * Math.sin(turn)];
    const square = sampleSimilarity(image, { a, b, dx: 180, dy: 60 }, 30);
    assert.ok(
      square.every((value) => Math.abs(value - 100) <= 3),
      `${Math.min(...square)} to ${Math.max(...square)}`,
    );
  }
});

test('a reduction by a whole factor is that of the antialiased filter', () => {
  const image = patternImage(120, 120);
  const square = sampleSimilarity(image, { a: 4, b: 0, dx: 0, dy: 0 }, 30);
  const whole = { left: 0, top: 0, right: 120, bottom: 120 };
  assert.deepEqual(square, resizeBilinear(image, whole, 30));
});

test('beyond the photo it is black', () => {
  const image = greyImage(10, 10, () => 200);
  const square = sampleSimilarity(image, { a: 1, b: 0, dx: -5, dy: -5 }, 20);
  for (let y = 0; y < 20; y++) {
    for (let x = 0; x < 20; x++) {
      const inside = x >= 5 && x < 15 && y >= 5 && y < 15;
      assert.equal(square[(y * 20 + x) * 3], inside ? 200 : 0, `${x}, ${y}`);
    }
  }
});

test('a square beside the photo is black, and one in a photo of a single pixel is its colour', () => {
  const image = greyImage(10, 10, () => 200);
  assert.ok(sampleSimilarity(image, { a: 1, b: 0, dx: 500, dy: 0 }, 8).every((v) => v === 0));
  const pixel = greyImage(1, 1, () => 90);
  assert.ok(sampleSimilarity(pixel, { a: 0.1, b: 0, dx: 0, dy: 0 }, 8).every((v) => v === 90));
});
