/** Made galleries are what they are said to be, else the figures of matching would say nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { row, unitVectors } from '../../../model/match/vectors.fixture.ts';
import { EMBEDDING_LENGTH, MadePeople, spreads } from './made-people.ts';

/** Twenty real people, all nearer to the first direction than to any other. */
const real = unitVectors(20, 1).map((value, at) => value + (at % EMBEDDING_LENGTH === 0 ? 0.5 : 0));

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

/** How many directions the rows of a matrix need (Gram-Schmidt). */
function rank(matrix: Float32Array): number {
  const basis: Float32Array[] = [];
  for (let index = 0; index < matrix.length / EMBEDDING_LENGTH; index++) {
    let left = Float32Array.from(row(matrix, index));
    for (const one of basis) {
      const share = dot(left, one);
      left = left.map((value, at) => value - share * one[at]!);
    }
    const length = Math.sqrt(dot(left, left));
    if (length > 1e-3) basis.push(left.map((value) => value / length));
  }
  return basis.length;
}

for (const spread of spreads) {
  test(`people who lie ${spread} are of length 1, and a known face is as far as another photo`, () => {
    const made = new MadePeople(real, spread);
    const people = made.people(50);
    for (let index = 0; index < 50; index++) {
      assert.ok(Math.abs(dot(row(people, index), row(people, index)) - 1) < 1e-5);
    }
    const face = made.known(people);
    const cosines = Array.from({ length: 50 }, (_, index) => dot(face, row(people, index)));
    const apart = Math.sqrt(2 - 2 * Math.max(...cosines));
    assert.ok(Math.abs(dot(face, face) - 1) < 1e-5);
    assert.ok(apart <= 0.7 + 1e-5, `${apart}`);
  });
}

test('people who lie like the real ones lie in their directions and to their side', () => {
  const people = new MadePeople(real, 'like-real').people(50);
  assert.equal(rank(people), 20);
  const side = Array.from({ length: 50 }, (_, index) => row(people, index)[0]!);
  assert.ok(side.reduce((sum, value) => sum + value, 0) / 50 > 0.2);
});

test('people who lie everywhere lie in all directions', () => {
  assert.equal(rank(new MadePeople(real, 'everywhere').people(60)), 60);
});
