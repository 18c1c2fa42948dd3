import assert from 'node:assert/strict';
import { it } from 'node:test';
import { matchSchema, refusalSchema } from '../../cloud/contract/match.ts';
import { ImageError, type Recognition } from '../../model/index.ts';
import { outcomeOf, refusalOf } from './outcome.ts';

const third = 1 / 3;
const quality = {
  ...{ score: 0.3, size: 1, sharpness: 0.3, light: 1, pose: 0.9, confidence: 1 },
  reasons: ['The face is blurred.'],
};
const seen: Recognition = {
  width: 640,
  height: 480,
  turned: 0,
  gallery: 7,
  embeddedTwice: 0,
  faces: [
    {
      box: [10 + third, -2.000001, 200.5, 260.999],
      probability: 0.99938637018,
      landmarks: [
        [third, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [5, 5],
      ],
      embedding: new Float32Array(512),
      quality,
      nearest: [
        { name: 'Ann', distance: 0.8123456789, odds: 6543.21 },
        { name: 'Bob', distance: 1.2, odds: 1.1 },
      ],
    },
    {
      box: [0, 0, 20, 20],
      probability: 0.9,
      landmarks: [
        [1, 1],
        [1, 1],
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      embedding: new Float32Array(512),
      quality,
      nearest: [{ name: 'Cid', distance: 0.7, odds: 50 }],
    },
  ],
  timings: { decode: 1, detect: 1, embed: 1, match: 1 },
};

it('the largest face is the match, with its numbers rounded and no embedding', () => {
  const outcome = outcomeOf(seen);
  assert.deepEqual(outcome, {
    match: {
      name: 'Ann',
      distance: 0.812346,
      box: [10.33, -2, 200.5, 261],
      probability: 0.999386,
      landmarks: [
        [0.33, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [5, 5],
      ],
      nearest: [
        { name: 'Ann', distance: 0.812346 },
        { name: 'Bob', distance: 1.2 },
      ],
      width: 640,
      height: 480,
      gallery: 7,
    },
  });
  assert.ok('match' in outcome && matchSchema.safeParse(outcome.match).success);
});

it('no face is a refusal, never a name', () => {
  const outcome = outcomeOf({ ...seen, faces: [] });
  assert.ok('refusal' in outcome);
  assert.equal(outcome.refusal.reason, 'no-face');
});

it('what is no image is refused in words that fit into a reply; other errors are not the photo’s', () => {
  const outcome = refusalOf(new ImageError(`The image is damaged (${'x'.repeat(1000)}).`));
  assert.ok(outcome && 'refusal' in outcome);
  assert.equal(outcome.refusal.reason, 'image');
  assert.ok(refusalSchema.safeParse(outcome.refusal).success);
  assert.equal(refusalOf(new Error('out of memory')), undefined);
});

it('by how much a photo was turned is told, and nothing where it was not', () => {
  const outcome = outcomeOf({ ...seen, turned: 270 });
  assert.ok('match' in outcome);
  assert.equal(matchSchema.parse(outcome.match).turned, 270);
  const upright = outcomeOf(seen);
  assert.ok('match' in upright && !('turned' in upright.match));
});

it('whether a face is known is told where it was asked', () => {
  const [face] = seen.faces;
  assert.ok(face);
  const asked: Recognition = { ...seen, faces: [{ ...face, known: false }] };
  const outcome = outcomeOf(asked, { known: true });
  assert.equal('match' in outcome && outcome.match.known, false);
  const plain = outcomeOf(seen);
  assert.ok('match' in plain && !('known' in plain.match));
});

it('odds, rounded down, and quality are told where `known` was asked, of every face', () => {
  const outcome = outcomeOf(seen, { known: true, faces: 'all' });
  assert.ok('match' in outcome);
  const match = matchSchema.parse(outcome.match);
  assert.deepEqual([match.odds, match.nearest.map(({ odds }) => odds)], [6540, [6540, 1.1]]);
  assert.deepEqual(match.quality, quality);
  assert.deepEqual(
    match.faces?.map(({ odds }) => odds),
    [6540, 50],
  );
  const plain = outcomeOf(seen);
  assert.ok('match' in plain && !('odds' in plain.match) && !('quality' in plain.match));
});
