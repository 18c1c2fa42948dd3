/** Box arithmetic pinned to facenet-pytorch's bbreg, rerec and pad, and checked at the edges. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxAreas, clipBoxes, joinRows, pickRows, regressBoxes, squareBoxes } from './boxes.ts';

const boxes = Float32Array.of(
  10.3,
  20.7,
  35.1,
  80.9,
  -5.5,
  3.2,
  40.4,
  22.1,
  95.7,
  -3.9,
  130.2,
  12.6,
);
const offsets = Float32Array.of(0.1, -0.2, 0.05, 0.3, -0.15, 0.2, 0.25, -0.1, 0, 0, 0.01, 0.02);

test('regression with a border moves sides as bbreg does', () => {
  assert.deepEqual(
    [...regressBoxes(boxes, offsets, 1)],
    [
      12.880000114440918, 8.460000038146973, 36.38999938964844, 99.26000213623047,
      -12.53499984741211, 7.180000305175781, 52.125, 20.110000610351562, 95.69999694824219,
      -3.9000000953674316, 130.55499267578125, 12.950000762939453,
    ],
  );
});

test('regression without a border moves sides by shares of x2 - x1', () => {
  assert.deepEqual(
    [...regressBoxes(boxes, offsets, 0)],
    [
      12.780000686645508, 8.660000801086426, 36.34000015258789, 98.96000671386719,
      -12.385000228881836, 6.980000019073486, 51.875, 20.21000099182129, 95.69999694824219,
      -3.9000000953674316, 130.5449981689453, 12.930000305175781,
    ],
  );
});

test('boxes become squares about their middle as rerec makes them', () => {
  assert.deepEqual(
    [...squareBoxes(boxes)],
    [
      -7.399999618530273, 20.700002670288086, 52.80000305175781, 80.9000015258789, -5.5,
      -10.30000114440918, 40.400001525878906, 35.599998474121094, 95.69999694824219,
      -12.899999618530273, 130.1999969482422, 21.600000381469727,
    ],
  );
});

test('clipping counts pixels from one, cuts towards zero and stops at the edges', () => {
  assert.deepEqual([...clipBoxes(boxes, 100, 60)], [9, 19, 35, 60, 0, 2, 40, 22, 94, 0, 100, 12]);
});

test('a box outside the photo clips to an empty window', () => {
  const outside = Float32Array.of(120, 10, 140, 30, -30, 10, -5, 30);
  const windows = clipBoxes(outside, 100, 60);
  assert.ok(windows[2]! <= windows[0]!);
  assert.ok(windows[6]! <= windows[4]!);
});

test('areas count a border where asked to', () => {
  const box = Float32Array.of(2, 3, 12, 8);
  assert.deepEqual([...boxAreas(box)], [50]);
  assert.deepEqual([...boxAreas(box, 1)], [66]);
});

test('rows are picked in the order asked for and joined in the order given', () => {
  const matrix = Float32Array.of(1, 2, 3, 4, 5, 6);
  assert.deepEqual([...pickRows(matrix, 2, [2, 0, 2])], [5, 6, 1, 2, 5, 6]);
  assert.deepEqual([...joinRows([matrix.subarray(4), matrix.subarray(0, 2)])], [5, 6, 1, 2]);
  assert.equal(joinRows([]).length, 0);
});
