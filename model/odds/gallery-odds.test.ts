/** Odds follow the gallery: its size at once, its distances when enough people came or went. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GalleryMatcher } from '../match/gallery-matcher.ts';
import { unitVectors } from '../match/vectors.fixture.ts';
import { GalleryOdds } from './gallery-odds.ts';

/** @param scale of the embeddings: smaller ones are nearer to each other */
function galleryOf(people: number, scale = 1): GalleryMatcher {
  const embeddings = unitVectors(people, 5).map((value) => value * scale);
  return GalleryMatcher.of({
    names: Array.from({ length: people }, (_, person) => `person ${person}`),
    embeddings,
  });
}

test('more people make odds worse, also where too few came for another measurement', () => {
  const before = GalleryOdds.of('facenet', galleryOf(200));
  const after = before.after(galleryOf(205));
  assert.ok(after.of(1.3) < before.of(1.3));
  assert.equal(after.ofPair(1.38), before.ofPair(1.38), 'not measured again');
});

test('people who are nearer to each other are noticed once a twentieth is new', () => {
  const before = GalleryOdds.of('facenet', galleryOf(100));
  assert.equal(before.after(galleryOf(102, 0.7)).ofPair(1.38), before.ofPair(1.38));
  assert.ok(before.after(galleryOf(106, 0.7)).ofPair(1.38) < before.ofPair(1.38));
});

test('few people are measured each time', () => {
  const before = GalleryOdds.of('facenet', galleryOf(40));
  assert.ok(before.after(galleryOf(40, 0.7)).ofPair(1.38) < before.ofPair(1.38));
});

test('growth in small steps is noticed too', () => {
  let odds = GalleryOdds.of('facenet', galleryOf(100));
  const first = odds.ofPair(1.38);
  for (let people = 101; people <= 106; people++) odds = odds.after(galleryOf(people, 0.7));
  assert.ok(odds.ofPair(1.38) < first);
});

test('what the conversion measured is taken in place of another measurement', () => {
  const given = GalleryOdds.of('facenet', galleryOf(40, 0.5), { tries: 1 });
  assert.ok(given.ofPair(1.38) > GalleryOdds.of('facenet', galleryOf(40, 0.5)).ofPair(1.38));
});

test('a gallery without people has no stranger near it', () => {
  const empty = new GalleryMatcher({ version: 2, blocks: [], people: [] });
  assert.equal(GalleryOdds.of('facenet', galleryOf(20)).after(empty).of(1.2), 1e9);
});
