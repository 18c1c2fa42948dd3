import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accuracyOf } from './accuracy.ts';

const face = (person: string, ...embedding: number[]) => ({ person, embedding });

describe('how well people are told apart', () => {
  it('is perfect where each person’s photos lie together', () => {
    const faces = [face('Ann', 0), face('Ann', 0.1), face('Ben', 1), face('Ben', 1.1)];
    assert.deepEqual(accuracyOf(faces), {
      photos: 4,
      found: 4,
      paired: 4,
      nearestRight: 4,
      ordered: 1,
    });
  });

  it('counts a photo without a face as not found and not right', () => {
    const faces = [{ person: 'Ann' }, face('Ann', 0.1), face('Ann', 0.2), face('Ben', 1)];
    const { photos, found, paired, nearestRight } = accuracyOf(faces);
    assert.deepEqual([photos, found, paired, nearestRight], [4, 3, 3, 2]);
  });

  it('asks nothing about a person with one photo, except that others are farther apart', () => {
    const { paired, nearestRight, ordered } = accuracyOf([
      face('Ann', 0),
      face('Ann', 0.5),
      face('Ben', 0.25),
      face('Cid', 3),
    ]);
    // Both of Ann's photos are nearer to Ben's; of five pairs of two people, two are nearer than hers.
    assert.deepEqual([paired, nearestRight, ordered], [2, 0, 3 / 5]);
  });

  it('has no order without two photos of one person', () => {
    assert.equal(accuracyOf([face('Ann', 0), face('Ben', 1)]).ordered, undefined);
  });
});
