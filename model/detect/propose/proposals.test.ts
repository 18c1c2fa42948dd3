/** P-Net's grid is read as boxes in the photo. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProposalMap } from '../../networks.ts';
import { Candidates } from './proposals.ts';

const proposalsOf = (answer: ProposalMap, scale: number, threshold: number) => {
  const candidates = new Candidates(threshold);
  candidates.addMap(answer, 0, 0);
  return candidates.proposals(scale);
};

const map = {
  height: 2,
  width: 3,
  // biome-ignore format: a cell a pair
  probability: Float32Array.of(
    0.9, 0.1, 0.4, 0.6, 0.5, 0.5,
    0.1, 0.9, 0.401, 0.599, 0.2, 0.8,
  ),
  regression: Float32Array.from({ length: 24 }, (_, index) => index / 10),
};

test('cells from the threshold on become boxes, row by row, with their offsets', () => {
  const { boxes, scores, regression } = proposalsOf(map, 0.5, 0.6);
  assert.deepEqual([...scores], [0.6, 0.9, 0.8].map(Math.fround));
  // A field of 12 pixels, 2 apart, at half the photo's size; sides counted from one.
  assert.deepEqual([...boxes], [6, 2, 28, 24, 2, 6, 24, 28, 10, 6, 32, 28]);
  assert.deepEqual([...regression.subarray(0, 4)], [0.4, 0.5, 0.6, 0.7].map(Math.fround));
  assert.deepEqual([...regression.subarray(8)], [2, 2.1, 2.2, 2.3].map(Math.fround));
});

test('positions are divided in single precision before they are floored, as PyTorch does', () => {
  const probability = new Float32Array(16).fill(1);
  const row = { height: 1, width: 8, probability, regression: new Float32Array(32) };
  const { boxes } = proposalsOf(row, 0.6, 0.6);
  const side = (cell: number, index: number): number => boxes[cell * 4 + index]!;
  // In double precision these would be 30, 15 and 25.
  assert.deepEqual([side(3, 2), side(4, 0), side(7, 0)], [29, 14, 24]);
});

test('a map without a face gives nothing', () => {
  assert.equal(proposalsOf(map, 0.5, 0.95).scores.length, 0);
});

test('of an answer on blocks only the piece is taken, at its place in the scale', () => {
  // Logits of a face in every cell; the offsets say which cell it was.
  const cells = Float32Array.from(
    { length: 4 * 3 * 6 },
    (_, at) => [0, 9][at % 6] ?? Math.floor(at / 6),
  );
  const candidates = new Candidates(0.6);
  const piece = { left: 1, top: 1, columns: 2, rows: 2, firstColumn: 10, firstRow: 20 };
  candidates.addCells({ width: 4, height: 3, cells }, piece);
  const { boxes, regression } = candidates.proposals(1);
  assert.deepEqual(
    [0, 1, 2, 3].map((cell) => regression[cell * 4]),
    [5, 6, 9, 10],
  );
  assert.deepEqual([...boxes.subarray(0, 4)], [21, 41, 32, 52]);
  assert.deepEqual([...boxes.subarray(12)], [23, 43, 34, 54]);
});
