import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MOST_TOGETHER, takeTogether } from './together.ts';

const photos = (count: number, suspect = false) =>
  Array.from({ length: count }, () => ({ suspect }));

describe('photos go to the inference process', () => {
  it('at once, however few there are', () => {
    assert.equal(takeTogether(photos(1), []), 1);
    assert.equal(takeTogether(photos(1), [photos(MOST_TOGETHER)]), 1);
    assert.equal(takeTogether([], []), 0);
  });

  it('together as far as they wait anyway', () => {
    assert.equal(takeTogether(photos(3), []), 3);
    assert.equal(takeTogether(photos(9), []), MOST_TOGETHER);
  });

  it('not beyond one work in hand and one at hand', () => {
    assert.equal(takeTogether(photos(9), [photos(1), photos(1)]), 0);
  });

  it('alone when one of them may have ended the process', () => {
    const [suspect] = photos(1, true);
    assert.ok(suspect);
    assert.equal(takeTogether([suspect, ...photos(2)], []), 1);
    assert.equal(takeTogether([suspect], [photos(1)]), 0);
    assert.equal(takeTogether(photos(2), [[suspect]]), 0);
    assert.equal(takeTogether([...photos(2), suspect], []), 2);
  });
});
