/** Strips on canvases: all of each, nothing twice but the overlap, nothing over an edge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANVAS_SIDE, type Canvas, layOut, type Rectangle } from './canvas.ts';

const OVERLAP = 5;

let seed = 1;
function random(from: number, to: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return from + Math.floor((seed / 2 ** 32) * (to - from + 1));
}

/** Rows of the strip that are placed, each with its predecessor's last `OVERLAP` rows. */
function requireWhole(strip: Rectangle, canvases: readonly Canvas<Rectangle>[]): void {
  const parts = canvases
    .flatMap(({ placed }) => placed.filter((one) => one.strip === strip))
    .sort((a, b) => a.from - b.from);
  let next = 0;
  for (const { from, rows } of parts) {
    assert.equal(from, next);
    assert.ok(rows > OVERLAP, 'a part has a row of its own');
    next = from + rows - OVERLAP;
  }
  assert.equal(next, strip.height - OVERLAP);
}

function requireApart({ width, height, placed }: Canvas<Rectangle>): void {
  const taken = new Uint8Array(width * height);
  for (const { strip, left, top, rows } of placed) {
    assert.ok(left + strip.width <= width && top + rows <= height, 'within the canvas');
    for (let y = top; y < top + rows; y++) {
      for (let x = left; x < left + strip.width; x++) taken[y * width + x]! += 1;
    }
  }
  assert.ok(taken.every((times) => times <= 1));
}

test('every strip is placed whole, and no two on the same place', () => {
  for (let round = 0; round < 200; round++) {
    const strips = Array.from({ length: random(1, 20) }, () => ({
      width: random(6, CANVAS_SIDE),
      height: random(6, random(6, 700)),
    }));
    const canvases = layOut(strips, OVERLAP);
    for (const strip of strips) requireWhole(strip, canvases);
    for (const canvas of canvases) requireApart(canvas);
  }
});

test('there are few sizes of canvases, and little of a large one is left empty', () => {
  const sizes = new Set<string>();
  for (let round = 0; round < 200; round++) {
    const strips = [{ width: CANVAS_SIDE, height: random(1000, 2000) }];
    const canvases = layOut(strips, OVERLAP);
    for (const { width, height } of canvases) sizes.add(`${width}x${height}`);
    const area = canvases.reduce((sum, { width, height }) => sum + width * height, 0);
    assert.ok(area < 1.15 * CANVAS_SIDE * strips[0]!.height);
  }
  assert.ok(sizes.size <= 8, [...sizes].join(' '));
});

test('nothing gives no canvas, and what is too wide an error', () => {
  assert.deepEqual(layOut([], OVERLAP), []);
  assert.throws(() => layOut([{ width: CANVAS_SIDE + 1, height: 6 }], OVERLAP), RangeError);
});
