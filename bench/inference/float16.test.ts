/** What is counted of a set stored as float16. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { row, unitVectors } from '../../model/match/vectors.fixture.ts';
import { float32Bytes, largestMove } from './float16.ts';

test('the bytes are those of every file but the bfloat16 encoder’s', () => {
  const sizes = {
    'detection.pb': 1,
    'encoder.bin': 20,
    'encoder-onednn.pb': 300,
    'encoder-bfloat16.pb': 4000,
    'encoder-bfloat16.bin': 50000,
  };
  assert.equal(float32Bytes(sizes), 321);
});

test('the largest move is looked for among all people and all faces, in either direction', () => {
  const people = unitVectors(3, 1);
  const faces = [0, 1].map((face) => [...row(unitVectors(2, 2), face)]);
  assert.equal(largestMove(people, faces, faces), 0);
  const person = row(people, 2);
  const nearer = faces[1]!.map((value, at) => value + 0.1 * (person[at]! - value));
  const apart = Math.hypot(...faces[1]!.map((value, at) => value - person[at]!));
  for (const [before, after] of [
    [faces, [faces[0]!, nearer]],
    [[faces[0]!, nearer], faces],
  ] as const) {
    assert.ok(Math.abs(largestMove(people, before, after) - 0.1 * apart) < 1e-6);
  }
});
