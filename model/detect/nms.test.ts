/** Suppression pinned to torchvision's nms and facenet-pytorch's nms_numpy with method 'Min'. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suppressBySmaller, suppressByUnion } from './nms.ts';

// biome-ignore format: a box a line
const boxes = Float32Array.of(
  0, 0, 10, 10,
  0, 0, 10, 5,
  1, 1, 11, 11,
  0, 0, 10, 10,
  20, 20, 30, 30,
  20, 20, 30, 27,
  22, 22, 26, 26,
);
const scores = Float32Array.of(0.9, 0.95, 0.8, 0.9, 0.7, 0.75, 0.99);

for (const [threshold, kept] of [
  [0.5, [6, 1, 0, 5]],
  [0.49, [6, 1, 2, 5]],
  // 0.7 is the overlap of boxes 4 and 5: as a float32 it is just below the threshold.
  [0.7, [6, 1, 0, 2, 5, 4]],
  [0.69, [6, 1, 0, 2, 5]],
] as const) {
  test(`overlap of union above ${threshold} suppresses the lower score, as torchvision does`, () => {
    assert.deepEqual([...suppressByUnion({ boxes, scores }, threshold)], kept);
  });
}

test('of equal scores the first box stays', () => {
  const equal = new Float32Array(7).fill(0.8);
  assert.deepEqual([...suppressByUnion({ boxes, scores: equal }, 0.49)], [0, 4, 6]);
});

for (const [threshold, kept] of [
  [0.5, [6, 1]],
  [0.7, [6, 1]],
  [0.9, [6, 1, 2]],
] as const) {
  test(`overlap of the smaller above ${threshold} drops boxes inside boxes, as 'Min' does`, () => {
    const distinct = Float32Array.from(scores);
    distinct[3] = 0.91;
    assert.deepEqual([...suppressBySmaller({ boxes, scores: distinct }, threshold)], kept);
  });
}

test('no boxes leave no boxes', () => {
  const none = { boxes: new Float32Array(), scores: new Float32Array() };
  assert.equal(suppressByUnion(none, 0.5).length, 0);
  assert.equal(suppressBySmaller(none, 0.5).length, 0);
});
