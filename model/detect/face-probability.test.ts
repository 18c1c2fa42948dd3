/** Every expected number is what torch.softmax of PyTorch 2.15 gives in float32 on a processor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faceProbability, probabilitiesOf } from './face-probability.ts';

test('probabilities are PyTorch’s', () => {
  const pairs: readonly [noFace: number, face: number, probability: number][] = [
    [-1.7, 2.9, 0.9900481700897217],
    [0.25, 0.75, 0.622459352016449],
    [-4.5, 6.125, 0.9999756813049316],
    [-8, 9.5, 1],
    [0.3, -2.2, 0.07585817575454712],
    [3.5, -3, 0.0015011822106316686],
  ];
  for (const [noFace, face, probability] of pairs) {
    const { fround } = Math;
    assert.equal(faceProbability(fround(noFace), fround(face)), fround(probability));
  }
});

test('logits that PyTorch gives equal scores have equal ones, where one rounding would differ', () => {
  const ties: readonly [face: number, alike: number, score: number][] = [
    [7.605398178100586, 7.60560417175293, 0.9995025396347046],
    [7.943240642547607, 7.943477153778076, 0.9996451139450073],
    [7.417588233947754, 7.41771125793457, 0.9993997812271118],
    [7.751236915588379, 7.751288414001465, 0.9995699524879456],
  ];
  const roundedOnce = (logit: number): number => Math.fround(1 / (1 + Math.exp(-logit)));
  for (const [face, alike, score] of ties) {
    assert.notEqual(roundedOnce(face), roundedOnce(alike));
    assert.equal(faceProbability(0, face), score);
    assert.equal(faceProbability(0, alike), score);
  }
});

test('both probabilities of each pair are given, and logits of any size have finite ones', () => {
  const { fround } = Math;
  assert.deepEqual(
    [...probabilitiesOf(Float32Array.of(0.25, 0.75, 200, -200, -1e30, 1e30))],
    [fround(0.3775406777858734), fround(0.622459352016449), 1, 0, 0, 1],
  );
});
