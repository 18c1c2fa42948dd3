import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { takeTogether } from './batching.ts';

const MOST = 4;

const photos = (count: number, suspect = false) =>
  Array.from({ length: count }, () => ({ suspect }));

describe('photos go to the inference process', () => {
  it('at once, however few there are', () => {
    assert.equal(takeTogether(photos(1), [], MOST), 1);
    assert.equal(takeTogether(photos(1), [photos(MOST)], MOST), 1);
    assert.equal(takeTogether([], [], MOST), 0);
  });

  it('together as far as they wait anyway', () => {
    assert.equal(takeTogether(photos(3), [], MOST), 3);
    assert.equal(takeTogether(photos(9), [], MOST), MOST);
  });

  it('not beyond one work in hand and one at hand', () => {
    assert.equal(takeTogether(photos(9), [photos(1), photos(1)], MOST), 0);
  });

  it('alone when one of them may have ended the process', () => {
    const [suspect] = photos(1, true);
    assert.ok(suspect);
    assert.equal(takeTogether([suspect, ...photos(2)], [], MOST), 1);
    assert.equal(takeTogether([suspect], [photos(1)], MOST), 0);
    assert.equal(takeTogether(photos(2), [[suspect]], MOST), 0);
    assert.equal(takeTogether([...photos(2), suspect], [], MOST), 2);
  });
});
