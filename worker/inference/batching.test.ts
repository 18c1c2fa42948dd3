import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextBatch } from './batching.ts';

const MOST = 4;

const photos = (count: number, suspect = false) =>
  Array.from({ length: count }, () => ({ suspect }));

describe('photos go to the inference process', () => {
  it('at once, however few there are', () => {
    assert.equal(nextBatch(photos(1), [], MOST), 1);
    assert.equal(nextBatch(photos(1), [photos(MOST)], MOST), 1);
    assert.equal(nextBatch([], [], MOST), 0);
  });

  it('together as far as they wait anyway', () => {
    assert.equal(nextBatch(photos(3), [], MOST), 3);
    assert.equal(nextBatch(photos(9), [], MOST), MOST);
  });

  it('not beyond one work in hand and one at hand', () => {
    assert.equal(nextBatch(photos(9), [photos(1), photos(1)], MOST), 0);
  });

  it('alone when one of them may have ended the process', () => {
    const [suspect] = photos(1, true);
    assert.ok(suspect);
    assert.equal(nextBatch([suspect, ...photos(2)], [], MOST), 1);
    assert.equal(nextBatch([suspect], [photos(1)], MOST), 0);
    assert.equal(nextBatch(photos(2), [[suspect]], MOST), 0);
    assert.equal(nextBatch([...photos(2), suspect], [], MOST), 2);
  });
});
