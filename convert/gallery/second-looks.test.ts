import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gallery } from '../../model/match/gallery.ts';
import { shareOfSecondLooks } from './second-looks.ts';

const BOUND = 0.02;
const EMBEDDING_LENGTH = 512;

/** People in random directions of so many dimensions. */
function gallery(people: number, dimensions: number): Pick<Gallery, 'names' | 'embeddings'> {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const embeddings = new Float32Array(people * EMBEDDING_LENGTH);
  for (let row = 0; row < people; row++) {
    const values = Array.from({ length: dimensions }, random);
    const length = Math.hypot(...values);
    embeddings.set(
      values.map((value) => value / length),
      row * EMBEDDING_LENGTH,
    );
  }
  return { names: Array.from({ length: people }, (_, at) => `p${at}`), embeddings };
}

test('a denser gallery leaves more faces to float32, and the share is the same every time', () => {
  const [sparse, dense] = [gallery(20, 12), gallery(2000, 12)].map((one) =>
    shareOfSecondLooks(one, BOUND),
  ) as [number, number];
  assert.ok(sparse >= 0 && dense <= 1 && dense > sparse + 0.1, `${sparse} and ${dense}`);
  assert.equal(shareOfSecondLooks(gallery(20, 12), BOUND), sparse);
});

test('a larger bound leaves more faces to float32', () => {
  const people = gallery(90, 60);
  assert.ok(shareOfSecondLooks(people, 0.1) > shareOfSecondLooks(people, 0.01));
});

test('one person alone is never in question', () => {
  assert.equal(shareOfSecondLooks(gallery(1, 400), BOUND), 0);
});

test('people with several photos are left out with all of them', () => {
  const one = gallery(40, 60);
  const twice = {
    names: [...one.names, ...one.names],
    embeddings: Float32Array.from([...one.embeddings, ...one.embeddings]),
  };
  assert.equal(shareOfSecondLooks(twice, BOUND), shareOfSecondLooks(one, BOUND));
});
