/** A shortlist changes no answer, whatever the gallery looks like, and is short where it can be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaceBlock } from './face-block.ts';
import { GalleryMatcher } from './gallery-matcher.ts';
import { Query } from './query.ts';
import { EMBEDDING_LENGTH, noise, normalised, row, unitVectors } from './vectors.fixture.ts';

/** From the first on, and never. */
const [ALWAYS, NEVER] = [1, Number.POSITIVE_INFINITY];
const COUNT = 400;

/** Each row is a mixture of a few others, plus noise. */
function mixtures(count: number, of: number, noiseShare: number, seed: number): Float32Array {
  const [parts, values] = [unitVectors(of, seed), noise(seed + 1)];
  const own = unitVectors(count, seed + 2);
  for (let index = 0; index < count; index++) {
    const mixed = row(own, index).map((value) => value * noiseShare);
    for (let part = 0; part < of; part++) {
      const weight = values.next().value!;
      for (let at = 0; at < EMBEDDING_LENGTH; at++) mixed[at]! += weight * row(parts, part)[at]!;
    }
    row(own, index).set(mixed);
  }
  return normalised(own);
}

/** Every row beside one of a few centres, at such a distance. */
function clusters(centres: number, apart: number, seed: number): Float32Array {
  const [all, middle] = [unitVectors(COUNT, seed), unitVectors(centres, seed + 1)];
  return all.map((value, at) => {
    const index = Math.floor(at / EMBEDDING_LENGTH);
    return row(middle, index % centres)[at % EMBEDDING_LENGTH]! + apart * value;
  });
}

function scaled(embeddings: Float32Array, factorOf: (index: number) => number): Float32Array {
  return embeddings.map((value, at) => value * factorOf(Math.floor(at / EMBEDDING_LENGTH)));
}

const several = (index: number): string => `person ${(index * 7) % 150}`;
const galleries: Record<string, [Float32Array, (index: number) => string]> = {
  'full rank': [unitVectors(COUNT, 3), (index) => `person ${index}`],
  'several embeddings a person': [unitVectors(COUNT, 5), several],
  'low rank': [mixtures(COUNT, 6, 0, 11), several],
  'a mixture and noise': [mixtures(COUNT, 8, 0.7, 13), several],
  'duplicates under different names': [
    Float32Array.from([
      ...unitVectors(COUNT / 2, 17),
      ...unitVectors(COUNT / 4, 17),
      ...unitVectors(COUNT / 4, 17),
    ]),
    several,
  ],
  'a few clusters': [clusters(9, 0.2, 19), several],
  'clusters closer than bytes can tell': [clusters(3, 1e-6, 23), several],
  'one point': [clusters(1, 0, 29), several],
  'one person': [unitVectors(COUNT, 31), () => 'alone'],
  'one embedding': [unitVectors(1, 37), () => 'alone'],
  'lengths other than 1': [
    scaled(unitVectors(COUNT, 41), (index) => 10 ** ((index % 9) - 4)),
    several,
  ],
  'rows of zeros, and of a single value': [
    new Float32Array(COUNT * EMBEDDING_LENGTH).map((_, at) =>
      at % (2 * EMBEDDING_LENGTH + 2) === 0 ? 1 : 0,
    ),
    several,
  ],
};

/** Rows themselves, faces of people in the gallery, strangers, and what no network answers. */
function queries(embeddings: Float32Array): Float32Array[] {
  const strangers = unitVectors(4, 101);
  const rows = embeddings.length / EMBEDDING_LENGTH;
  const chosen = [0, 1, 5, rows - 1].map((index) => row(embeddings, index % rows));
  const known = chosen.map((one, index) =>
    normalised(one.map((value, at) => value + 0.7 * row(strangers, index)[at]!)),
  );
  const between = chosen.map((one, index) => one.map((v, at) => (v + chosen[3 - index]![at]!) / 2));
  return [
    ...chosen,
    ...known,
    ...between,
    row(strangers, 0),
    row(strangers, 1),
    new Float32Array(EMBEDDING_LENGTH),
    new Float32Array(EMBEDDING_LENGTH).fill(1, 9, 10),
    row(strangers, 2).map((value) => 1000 * value),
  ];
}

for (const [what, [embeddings, nameOf]] of Object.entries(galleries)) {
  const names = Array.from({ length: embeddings.length / EMBEDDING_LENGTH }, (_, at) => nameOf(at));
  const [short, whole] = [ALWAYS, NEVER].map((from) =>
    GalleryMatcher.of({ names, embeddings }, from),
  );

  test(`a gallery with ${what}: the people and distances of a comparison with all`, () => {
    for (const query of queries(embeddings)) {
      for (const count of [1, 3, 100, 101, 1000]) {
        assert.deepEqual(short!.nearest(query, count), whole!.nearest(query, count));
      }
    }
  });

  test(`a gallery with ${what}: the same is settled`, () => {
    for (const query of queries(embeddings)) {
      for (const bound of [0, 1e-6, 0.01, 0.03, 0.2, 3]) {
        for (const threshold of [undefined, 0.92]) {
          assert.equal(
            short!.isSettled(query, bound, threshold),
            whole!.isSettled(query, bound, threshold),
          );
        }
      }
    }
  });
}

test('the list holds every row within the limit, and few others', () => {
  const embeddings = mixtures(3000, 8, 0.7, 43);
  const squareOf = (a: Float32Array, b: Float32Array): number =>
    a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0);
  const block = FaceBlock.of(embeddings, EMBEDDING_LENGTH, ALWAYS);
  for (const query of [row(embeddings, 7), row(unitVectors(1, 47), 0)]) {
    const search = block.searchFrom(new Query(query));
    const distances = Float64Array.from({ length: 3000 }, (_, index) =>
      squareOf(query, row(embeddings, index)),
    );
    const limit = distances.toSorted()[30]!;
    const within = search.within(limit);
    const missing = [...distances.keys()].filter(
      (index) => distances[index]! < limit && !within.includes(index),
    );
    assert.deepEqual(missing, []);
    const surplus = [...within].filter((index) => distances[index]! > limit + 0.1);
    assert.deepEqual(surplus, []);
  }
});

test('an embedding that was changed in place is compared again', () => {
  const embeddings = unitVectors(COUNT, 53);
  const names = Array.from({ length: COUNT }, (_, index) => `person ${index}`);
  const matcher = GalleryMatcher.of({ names, embeddings }, ALWAYS);
  const query = Float32Array.from(row(embeddings, 3));
  assert.equal(matcher.nearest(query, 1)[0]!.name, 'person 3');
  query.set(row(embeddings, 8));
  assert.equal(matcher.nearest(query, 1)[0]!.name, 'person 8');
});

test('of equally near people the first in the gallery comes first, even by a later embedding', () => {
  const [far, near, other] = [0, 1, 2].map((index) => row(unitVectors(3, 59), index));
  const matcher = GalleryMatcher.of(
    {
      names: ['first', 'second', 'first', 'third'],
      embeddings: Float32Array.from([...far!, ...near!, ...near!, ...other!]),
    },
    ALWAYS,
  );
  assert.deepEqual(
    matcher.nearest(near!, 1).map(({ name }) => name),
    ['first'],
  );
  assert.deepEqual(
    matcher.nearest(near!, 2).map(({ name }) => name),
    ['first', 'second'],
  );
});
