/** Whatever bfloat16 does to an embedding within its bound, the name is that of float32. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { facenetShape, faceValues } from './encoder.fixture.ts';
import type { Precision } from './format.ts';
import { identifyFaces } from './identify.ts';
import { GalleryMatcher } from './match/gallery-matcher.ts';

const FACE_VALUES = faceValues(facenetShape);
const { embeddingLength: EMBEDDING_LENGTH } = facenetShape;

/** A point of the plane that the first two of 512 axes span. */
function point(x: number, y: number): Float32Array {
  const vector = new Float32Array(EMBEDDING_LENGTH);
  vector.set([x, y]);
  return vector;
}

const onCircle = (angle: number): Float32Array => point(Math.cos(angle), Math.sin(angle));

/** Answers each face by the number of its row, which is its first value. */
function told(exact: readonly Float32Array[], rough: readonly Float32Array[]) {
  const calls: [Precision, number][] = [];
  return {
    calls,
    encoder: facenetShape,
    precision: 'bfloat16' as const,
    embed(faces: Float32Array, count: number, precision: Precision = 'float32') {
      calls.push([precision, count]);
      const answers = new Float32Array(count * EMBEDDING_LENGTH);
      for (let row = 0; row < count; row++) {
        const from = precision === 'float32' ? exact : rough;
        answers.set(from[faces[row * FACE_VALUES]!]!, row * EMBEDDING_LENGTH);
      }
      return answers;
    },
  };
}

function numbered(count: number): Float32Array {
  const faces = new Float32Array(count * FACE_VALUES);
  for (let row = 0; row < count; row++) faces[row * FACE_VALUES] = row;
  return faces;
}

const angle = fc.double({ min: 0, max: 2 * Math.PI, noNaN: true });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const known = fc.record({ name: fc.constantFrom('Ann', 'Bob', 'Cid', 'Dot'), angle });

test('no error within the bound lets another name through', () => {
  let settled = 0;
  fc.assert(
    fc.property(
      fc.array(known, { minLength: 1, maxLength: 12 }),
      angle,
      fc.double({ min: 1e-4, max: 0.2, noNaN: true }),
      share,
      angle,
      (people, at, bound, part, towards) => {
        const matcher = GalleryMatcher.of({
          names: people.map(({ name }) => name),
          embeddings: Float32Array.from(people.flatMap((one) => [...onCircle(one.angle)])),
        });
        const exact = onCircle(at);
        // Half of the errors are as large as they may be; float32 leaves the bound itself to chance.
        const size = bound * Math.min(1, 2 * part) * (1 - 1e-5);
        const rough = exact.map((value, axis) =>
          axis === 0
            ? value + size * Math.cos(towards)
            : axis === 1
              ? value + size * Math.sin(towards)
              : value,
        );
        const networks = told([exact], [rough]);
        const { identities } = identifyFaces(
          { networks, matcher, bound },
          numbered(1),
          [undefined],
          1,
        );
        const [expected] = matcher.nearest(exact, 1);
        assert.equal(identities[0]!.nearest[0]!.name, expected!.name);
        if (!identities[0]!.twice) settled++;
      },
    ),
    { numRuns: 2000 },
  );
  assert.ok(settled > 200, `only ${settled} were settled in bfloat16`);
});

test('no error within the bound makes a stranger of a known person, or the other way', () => {
  let settled = 0;
  const alone = { names: ['Ann'], embeddings: point(0, 0) };
  const matcher = GalleryMatcher.of(alone);
  fc.assert(
    fc.property(
      fc.double({ min: 0.5, max: 1.5, noNaN: true }),
      fc.double({ min: 1e-4, max: 0.2, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      (distance, bound, part) => {
        const threshold = 1;
        const exact = point(distance, 0);
        const rough = point(distance + bound * part * (1 - 1e-5), 0);
        const networks = told([exact], [rough]);
        const parts = { networks, matcher, bound };
        const { identities } = identifyFaces(parts, numbered(1), [threshold], 1);
        const [nearest] = identities[0]!.nearest;
        assert.equal(nearest!.distance < threshold, exact[0]! < threshold);
        if (!identities[0]!.twice) settled++;
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(settled > 200, `only ${settled} were settled in bfloat16`);
});

test('a bound that is too small would let one through', () => {
  const bound = 0.05;
  const people = { names: ['Ann', 'Bob'], embeddings: new Float32Array(2 * EMBEDDING_LENGTH) };
  people.embeddings.set(point(-1, 0));
  people.embeddings.set(point(1, 0), EMBEDDING_LENGTH);
  const matcher = GalleryMatcher.of(people);
  // Bob is nearer by 0.08 in float32; an error of 0.045 along the line makes Ann nearer by 0.01.
  const [exact, rough] = [point(0.04, 0), point(-0.005, 0)];
  assert.equal(matcher.nearest(rough, 1)[0]!.name, 'Ann');
  assert.equal(matcher.isSettled(rough, bound), false);
  assert.equal(matcher.isSettled(rough, 0.004), true, 'a bound that is too small settles it');
  const networks = told([exact], [rough]);
  const { identities } = identifyFaces({ networks, matcher, bound }, numbered(1), [undefined], 2);
  assert.deepEqual(
    identities.map(({ nearest: [first], twice }) => [first!.name, twice]),
    [['Bob', true]],
  );
  assert.deepEqual(identities[0]!.embedding, exact);
});

test('a face is embedded again up to the bound from the middle between two people, and not beyond', () => {
  const matcher = GalleryMatcher.of({
    names: ['Ann', 'Bob'],
    embeddings: Float32Array.from([...point(-0.6, 0.8), ...point(0.6, 0.8)]),
  });
  const bound = 0.008;
  const at = [0.99, 1.01, -0.99, -1.01].map((part) => point(part * bound, 1));
  const networks = told(at, at);
  const open = new Array(at.length).fill(undefined);
  const { identities } = identifyFaces({ networks, matcher, bound }, numbered(4), open, 1);
  assert.deepEqual(
    identities.map(({ nearest: [first], twice }) => [first!.name, twice]),
    [
      ['Bob', true],
      ['Bob', false],
      ['Ann', true],
      ['Ann', false],
    ],
  );
});

test('an error across the line between two people changes no name, however long it is', () => {
  const matcher = GalleryMatcher.of({
    names: ['Ann', 'Bob'],
    embeddings: Float32Array.from([...point(-0.6, 0.8), ...point(0.6, 0.8)]),
  });
  const bound = 0.008;
  for (const across of [-20 * bound, 3 * bound, 20 * bound]) {
    const networks = told([point(0.01, 1)], [point(0.01, 1 + across)]);
    const { identities } = identifyFaces({ networks, matcher, bound }, numbered(1), [undefined], 1);
    assert.equal(identities[0]!.twice, false);
    assert.equal(identities[0]!.nearest[0]!.name, matcher.nearest(point(0.01, 1), 1)[0]!.name);
  }
});

test('only faces whose names are open are embedded again, all in one call', () => {
  const matcher = GalleryMatcher.of({
    names: ['Ann', 'Ann', 'Bob'],
    embeddings: Float32Array.from([0, 0.1, 1.5].flatMap((at) => [...onCircle(at)])),
  });
  // Between two embeddings of Ann nothing is open; between Ann and Bob it is.
  const exact = [0.05, 0.8, 0.02, 0.81].map(onCircle);
  const networks = told(exact, exact);
  const { identities } = identifyFaces(
    { networks, matcher, bound: 0.02 },
    numbered(4),
    new Array(4).fill(undefined),
    3,
  );
  assert.deepEqual(
    identities.map(({ twice }) => twice),
    [false, true, false, true],
  );
  assert.deepEqual(networks.calls, [
    ['bfloat16', 4],
    ['float32', 2],
  ]);
  assert.deepEqual(identities[3]!.embedding, exact[3]);
});

test('each face is settled by its own threshold', () => {
  const matcher = GalleryMatcher.of({ names: ['Ann'], embeddings: point(0, 0) });
  const exact = [0.5, 0.5, 0.5].map((at) => point(at, 0));
  const networks = told(exact, exact);
  const thresholds = [0.51, undefined, 0.6];
  const { identities } = identifyFaces(
    { networks, matcher, bound: 0.02 },
    numbered(3),
    thresholds,
    1,
  );
  assert.deepEqual(
    identities.map(({ twice }) => twice),
    [true, false, false],
  );
});

test('with a single person, or in float32, nothing is embedded twice', () => {
  const alone = GalleryMatcher.of({
    names: ['Ann', 'Ann'],
    embeddings: Float32Array.from([...onCircle(0), ...onCircle(3)]),
  });
  const networks = told([onCircle(1.5)], [onCircle(1.5)]);
  const parts = { networks, matcher: alone, bound: 0.5 };
  assert.equal(identifyFaces(parts, numbered(1), [undefined], 1).identities[0]!.twice, false);
  const exact = { ...networks, precision: 'float32' as const };
  identifyFaces({ ...parts, networks: exact }, numbered(1), [undefined], 1);
  assert.deepEqual(networks.calls, [
    ['bfloat16', 1],
    ['float32', 1],
  ]);
});
