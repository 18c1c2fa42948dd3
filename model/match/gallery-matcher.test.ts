/** The nearest people are found exactly, with distances that hold for near and far. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GalleryMatcher } from './gallery-matcher.ts';
import { EMBEDDING_LENGTH, row, unitVectors } from './vectors.fixture.ts';

function distance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((value, at) => value - b[at]!));
}

const embeddings = unitVectors(300, 1);
const names = Array.from({ length: 300 }, (_, index) => `person ${index % 100}`);
const matcher = GalleryMatcher.of({ names, embeddings });

test('the nearest people are those of a full comparison, in its order', () => {
  const asked = row(unitVectors(1, 77), 0);
  const nearestOf = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const there = distance(asked, row(embeddings, index));
    nearestOf.set(name, Math.min(there, nearestOf.get(name) ?? Number.POSITIVE_INFINITY));
  }
  const expected = [...nearestOf].sort((a, b) => a[1] - b[1]).slice(0, 10);
  const found = matcher.nearest(asked, 10);
  assert.deepEqual(
    found.map(({ name }) => name),
    expected.map(([name]) => name),
  );
  for (const [index, neighbour] of found.entries()) {
    assert.ok(Math.abs(neighbour.distance - expected[index]![1]) < 1e-6);
  }
});

test('a person with several embeddings is named once, by the nearest of them', () => {
  assert.equal(matcher.people, 100);
  const found = matcher.nearest(row(embeddings, 205), 300);
  assert.equal(found.length, 100);
  assert.deepEqual(found[0], { name: 'person 5', distance: 0 });
});

test('a tiny distance keeps its digits', () => {
  const asked = Float32Array.from(row(embeddings, 7));
  asked[3] = asked[3]! + 1e-4;
  const expected = distance(asked, row(embeddings, 7));
  const [nearest] = matcher.nearest(asked, 1);
  assert.equal(nearest!.name, 'person 7');
  assert.ok(Math.abs(nearest!.distance - expected) < 1e-9, `${nearest!.distance} ${expected}`);
});

test('of equally near people the first in the gallery comes first', () => {
  const twice = new Float32Array(2 * EMBEDDING_LENGTH);
  twice.set(row(embeddings, 0));
  twice.set(row(embeddings, 0), EMBEDDING_LENGTH);
  const twins = GalleryMatcher.of({ names: ['first', 'second'], embeddings: twice });
  const asked = row(embeddings, 1);
  assert.deepEqual(
    twins.nearest(asked, 2).map(({ name }) => name),
    ['first', 'second'],
  );
  assert.equal(twins.nearest(asked, 1)[0]!.name, 'first');
});

test('an embedding of another length or with a value that is no number is refused', () => {
  assert.throws(() => matcher.nearest(new Float32Array(128), 1), /512 values, not 128/);
  const broken = Float32Array.from(row(embeddings, 0)).fill(Number.NaN, 9, 10);
  assert.throws(() => matcher.nearest(broken, 1), /not a number/);
});
