/** However a gallery is cut into blocks, its answers are those of a plain comparison with every face. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaceBlock } from './face-block.ts';
import { GalleryMatcher, LEFT_OUT, type Neighbour } from './gallery-matcher.ts';

const LENGTH = 128;
const MOST_PEOPLE = 130;

interface Face {
  /** Whole numbers: no sum is rounded, so that equal distances are equal. */
  readonly embedding: readonly number[];
  readonly person: number;
}

const vector = (most: number) =>
  fc.array(fc.integer({ min: -most, max: most }), { minLength: LENGTH, maxLength: LENGTH });
const person = fc.oneof(
  { weight: 9, arbitrary: fc.nat(MOST_PEOPLE - 1) },
  { weight: 1, arbitrary: fc.constant(LEFT_OUT) },
);
const galleries = fc.record({
  // Few values, so that many faces are equally near.
  blocks: fc.constantFrom(1, 3, 100).chain((most) =>
    fc.array(fc.array(fc.record({ embedding: vector(most), person }), { maxLength: 60 }), {
      maxLength: 6,
    }),
  ),
  /** From how many rows on each block has a shortlist. */
  shortlistFrom: fc.constantFrom(1, 20, Number.POSITIVE_INFINITY),
  query: fc.oneof(vector(2), vector(120)),
});

const people = Array.from({ length: MOST_PEOPLE }, (_, at) => ({
  ...(at % 3 === 0 ? {} : { id: `id ${at}` }),
  name: `person ${at}`,
}));

function matcherOf(blocks: readonly (readonly Face[])[], shortlistFrom: number): GalleryMatcher {
  return new GalleryMatcher({
    version: 7,
    people,
    blocks: blocks.map((faces) => ({
      block: FaceBlock.of(
        Float32Array.from(faces.flatMap(({ embedding }) => embedding)),
        LENGTH,
        shortlistFrom,
      ),
      personOf: Uint32Array.from(faces, (face) => face.person),
    })),
  });
}

function square(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0);
}

/** One face a person, the nearest; of equally near ones the first. */
function compared(blocks: readonly (readonly Face[])[], query: readonly number[]) {
  const nearest = new Map<number, { face: Face; square: number }>();
  for (const face of blocks.flat()) {
    if (face.person === LEFT_OUT) continue;
    const there = square(face.embedding, query);
    const best = nearest.get(face.person);
    if (best === undefined || there < best.square)
      nearest.set(face.person, { face, square: there });
  }
  return [...nearest.values()].sort((a, b) => a.square - b.square || a.face.person - b.face.person);
}

test('the nearest people, their order and their distances are those of a plain comparison', () => {
  fc.assert(
    fc.property(galleries, fc.integer({ min: 1, max: 120 }), (gallery, count) => {
      const { blocks, shortlistFrom, query } = gallery;
      const matcher = matcherOf(blocks, shortlistFrom);
      const expected = compared(blocks, query);
      assert.equal(matcher.people, expected.length);
      assert.equal(matcher.faces, blocks.flat().filter((face) => face.person !== LEFT_OUT).length);
      assert.deepEqual(
        matcher.nearest(Float32Array.from(query), count),
        expected.slice(0, count).map(({ face, square }): Neighbour => {
          const { id, name } = people[face.person]!;
          return { ...(id === undefined ? {} : { person: id }), name, distance: Math.sqrt(square) };
        }),
      );
    }),
    { numRuns: 400 },
  );
});

test('a name is settled as a plain comparison settles it', () => {
  fc.assert(
    fc.property(
      galleries,
      fc.constantFrom(0, 0.01, 0.1, 1, 3),
      fc.constantFrom(undefined, 1, 2.5, 200),
      ({ blocks, shortlistFrom, query }, bound, threshold) => {
        const [first] = compared(blocks, query);
        const isOpen = (other: Face): boolean => {
          if (other.person === first!.face.person || other.person === LEFT_OUT) return false;
          const further = square(other.embedding, query) - first!.square;
          const apart = Math.sqrt(square(other.embedding, first!.face.embedding));
          return further <= 2 * bound * apart + 1e-9;
        };
        const expected =
          first === undefined ||
          (!(Math.abs(Math.sqrt(first.square) - (threshold ?? -999)) <= bound + 1e-9) &&
            !blocks.flat().some(isOpen));
        const matcher = matcherOf(blocks, shortlistFrom);
        assert.equal(matcher.isSettled(Float32Array.from(query), bound, threshold), expected);
      },
    ),
    { numRuns: 400 },
  );
});

test('the distance to a person is that of the nearest face of theirs that is not left out', () => {
  fc.assert(
    fc.property(galleries, fc.nat(MOST_PEOPLE - 1), ({ blocks, query }, asked) => {
      const theirs = compared(blocks, query).find(({ face }) => face.person === asked);
      const { id } = people[asked]!;
      const expected = id === undefined ? undefined : theirs && Math.sqrt(theirs.square);
      const matcher = matcherOf(blocks, Number.POSITIVE_INFINITY);
      assert.equal(matcher.distanceTo(Float32Array.from(query), id ?? 'nobody'), expected);
    }),
    { numRuns: 200 },
  );
});

test('blocks are shared: a gallery that leaves faces out changes no other gallery', () => {
  const block = FaceBlock.of(Float32Array.from([1, 0, 3, 0]), 2);
  const two = [
    { id: 'a', name: 'Ada' },
    { id: 'b', name: 'Ben' },
  ];
  const galleryOf = (version: number, personOf: number[]): GalleryMatcher =>
    new GalleryMatcher({
      version,
      blocks: [{ block, personOf: Uint32Array.from(personOf) }],
      people: two,
    });
  const [before, after] = [galleryOf(1, [0, 1]), galleryOf(2, [LEFT_OUT, 1])];
  const query = Float32Array.of(0, 0);
  assert.deepEqual(after.nearest(query, 2), [{ person: 'b', name: 'Ben', distance: 3 }]);
  assert.deepEqual(before.nearest(query, 1), [{ person: 'a', name: 'Ada', distance: 1 }]);
  assert.equal(after.distanceTo(query, 'a'), undefined);
});

test('an empty gallery names nobody and leaves nothing open', () => {
  const empty = new GalleryMatcher({ version: 3, blocks: [], people: [] });
  assert.deepEqual(empty.nearest(Float32Array.of(1, 2), 3), []);
  assert.equal(empty.isSettled(Float32Array.of(1, 2), 0.1, 1), true);
  assert.deepEqual([empty.people, empty.faces, empty.length], [0, 0, undefined]);
});

test('blocks that do not fit together, or hold what is no number, are refused', () => {
  const block = FaceBlock.of(new Float32Array(8), 4);
  const other = FaceBlock.of(new Float32Array(8), 8);
  const galleryOf = (blocks: [FaceBlock, number[]][]): GalleryMatcher =>
    new GalleryMatcher({
      version: 1,
      blocks: blocks.map(([block, of]) => ({ block, personOf: Uint32Array.from(of) })),
      people: [{ name: 'Ada' }],
    });
  assert.throws(
    () =>
      galleryOf([
        [block, [0, 0]],
        [other, [0]],
      ]),
    /embeddings of 4 numbers, not 8/,
  );
  assert.throws(() => galleryOf([[block, [0]]]), /2 faces have 1 people/);
  assert.throws(() => galleryOf([[block, [0, 1]]]), /beyond the 1 of the gallery/);
  assert.throws(() => FaceBlock.of(new Float32Array(7), 4), /not embeddings of 4/);
  assert.throws(() => FaceBlock.of(Float32Array.of(1, Number.NaN), 2), /not a number/);
});
