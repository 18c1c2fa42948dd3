import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DetectedFace } from '../../model/index.ts';
import { type Answer, compare, type ReferenceFace } from './compare.ts';
import { parityReport, recipesFor } from './parity.ts';

function face(left: number): DetectedFace & ReferenceFace {
  const eye: [number, number] = [left + 3, 4];
  return {
    box: [left, 0, left + 10, 10],
    probability: 0.9,
    landmarks: [eye, eye, eye, eye, eye],
  };
}
const embedding = Array.from({ length: 512 }, (_, at) => (at === 0 ? 1 : 0));
const answer = (left: number): Answer => ({
  faces: [face(left)],
  largest: face(left),
  embedding: Float32Array.from(embedding),
});
const reference = (left: number, stable = left) => ({
  faces: [face(left)],
  stable: [face(stable)],
  embedding,
});

test('the same boxes are the same, however small the difference', () => {
  assert.equal(compare(answer(5.05), reference(5)).verdict, 'same');
});

test('a box that only the unstable sort takes is an exact tie', () => {
  assert.equal(compare(answer(5), reference(7, 5)).verdict, 'tie');
});

test('another box, another number of faces and another embedding are differences', () => {
  assert.equal(compare(answer(5.2), reference(5)).verdict, 'differs');
  assert.equal(compare({ ...answer(5), faces: [] }, reference(5)).verdict, 'differs');
  assert.equal(compare({ ...answer(5), largest: undefined }, reference(5)).verdict, 'differs');
  const turned = { ...reference(5), embedding: embedding.toReversed() };
  assert.equal(compare(answer(5), turned).verdict, 'differs');
  const none = { faces: [], stable: [], embedding: null };
  const nobody = { faces: [], largest: undefined, embedding: undefined };
  assert.equal(compare(nobody, none).verdict, 'same');
});

test('the report counts each engine and names what is not simply the same', () => {
  const one = {
    backend: 'wasm',
    variant: 'a.jpg',
    verdict: 'tie',
    pixels: 0,
    embedding: 0,
  } as const;
  const report = parityReport([one, { ...one, variant: 'b.jpg', verdict: 'same' }]);
  assert.match(report, /wasm: 2 variants, 1 the same, 1 with exact ties, 0 different/);
  assert.match(report, /a\.jpg: an exact tie/);
  assert.doesNotMatch(report, /b\.jpg/);
});

test('a seed makes the same variants again, another seed others', () => {
  assert.deepEqual(recipesFor(['a', 'b'], 5), recipesFor(['a', 'b'], 5));
  assert.notDeepEqual(recipesFor(['a', 'b'], 5), recipesFor(['a', 'b'], 5, 2));
  assert.equal(recipesFor(['a', 'b'], 5)[3]!.path, 'b');
});
