/** People work rates what it tells: odds and `known` by the gallery, pairs by themselves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { workResultSchema } from '../../cloud/contract/people-work.ts';
import { FaceBlock, GalleryMatcher, type Recognition, type Recognizer } from '../../model/index.ts';
import { unitVectors } from '../../model/match/vectors.fixture.ts';
import { GalleryOdds } from '../../model/odds/gallery-odds.ts';
import type { KnownSettings } from './known-rule.ts';
import { performWork } from './people-work.ts';

const LENGTH = 512;
/** So few that odds are those of the encoder's default alone. */
const PEOPLE = 12;
const embeddings = unitVectors(PEOPLE, 3);
const idOf = (person: number): string =>
  `00000000-0000-4000-8000-${String(person).padStart(12, '0')}`;
const gallery = new GalleryMatcher({
  version: 4,
  blocks: [
    {
      block: FaceBlock.of(embeddings, LENGTH),
      personOf: Uint32Array.from({ length: PEOPLE }, (_, person) => person),
    },
  ],
  people: Array.from({ length: PEOPLE }, (_, person) => ({
    id: idOf(person),
    name: `person ${person}`,
  })),
});
const odds = GalleryOdds.of('facenet', gallery);
const unset: KnownSettings = { distance: undefined, odds: undefined, encoderDistance: 0.92 };

/** The embedding of a person, moved by a distance. */
function near(person: number, distance: number): Float32Array {
  const embedding = embeddings.slice(person * LENGTH, (person + 1) * LENGTH);
  embedding[0]! += distance;
  return embedding;
}

function photoWith(embedding: Float32Array): Recognition {
  const nearest = gallery
    .nearest(embedding, 3)
    .map((one) => ({ ...one, odds: odds.of(one.distance) }));
  const quality = {
    ...{ score: 0.3, size: 0.3, sharpness: 1, light: 1, pose: 1, confidence: 1 },
    reasons: ['The face is small: 30 pixels.'],
  };
  const point = [1, 1] as const;
  const landmarks = [point, point, point, point, point] as const;
  const face = {
    box: [0, 0, 30, 30] as const,
    landmarks,
    probability: 1,
    embedding,
    nearest,
    quality,
  };
  const timings = { decode: 1, detect: 1, embed: 1, match: 1 };
  const size = { width: 40, height: 40, turned: 0 as const };
  return { ...size, gallery: 4, faces: [face], embeddedTwice: 0, timings };
}

async function performed(
  work: 'embed' | 'detect' | 'verify' | 'search',
  faces: readonly Float32Array[],
  given: { odds?: number; person?: string; settings?: Partial<KnownSettings> } = {},
) {
  const recognizer = {
    gallery,
    odds,
    encoder: { kind: 'facenet' },
    recognizeAll: async () => faces.map(photoWith),
  } as unknown as Recognizer;
  const { settings, ...asked } = given;
  const message = {
    ...{ id: idOf(99), work, photos: faces.length, node: 'web-1', sentAt: 1 },
    ...asked,
  };
  const inputs =
    work === 'search' ? [new Uint8Array(faces[0]!.buffer)] : faces.map(() => new Uint8Array(1));
  const { result } = await performWork({ people: message, inputs } as never, {
    recognizer,
    refusalOf: () => undefined,
    settings: { ...unset, ...settings },
  });
  return workResultSchema.parse(JSON.parse(result));
}

describe('people work', () => {
  it('tells each face’s quality, and the odds of the people near it', async () => {
    const [photo] = (await performed('embed', [near(3, 0.2)])).photos;
    assert.ok(photo && 'faces' in photo);
    const [face] = photo.faces;
    assert.deepEqual(face?.quality?.reasons, ['The face is small: 30 pixels.']);
    const [first, second] = face?.nearest ?? [];
    assert.deepEqual([first?.person, first?.known, second?.known], [idOf(3), true, false]);
    assert.ok((first?.odds ?? 0) > 1000 && (second?.odds ?? 0) < 1000);
  });

  it('tells quality where only boxes were asked for', async () => {
    const [photo] = (await performed('detect', [near(3, 0.2)])).photos;
    assert.ok(photo && 'faces' in photo);
    assert.equal(photo.faces[0]?.quality?.score, 0.3);
    assert.equal(photo.faces[0]?.embedding, undefined);
  });

  it('decides by the request’s odds, then by the settings', async () => {
    const distance = 0.5;
    const own = odds.of(distance);
    for (const [given, known] of [
      [{ odds: own * 0.9 }, true],
      [{ odds: own * 1.1 }, false],
      [{ odds: own * 0.9, settings: { distance: 0.1 } }, true],
      [{ settings: { odds: own * 1.1 } }, false],
      [{ settings: { odds: own * 1.1, distance: 0.6 } }, true],
    ] as const) {
      const { nearest } = await performed('search', [near(5, distance)], given);
      assert.equal(nearest?.[0]?.known, known, JSON.stringify(given));
    }
  });

  it('compares two photos without regard to how many people there are', async () => {
    const limit = odds.pairDistanceAt(1000);
    assert.ok(limit > odds.distanceAt(1000));
    for (const [distance, same] of [
      [limit - 0.01, true],
      [limit + 0.01, false],
    ] as const) {
      const { pairs } = await performed('verify', [near(1, 0), near(1, distance)]);
      assert.equal(pairs?.[0]?.same, same);
      assert.equal((pairs?.[0]?.odds ?? 0) >= 1000, same);
    }
  });

  it('compares a photo with one person', async () => {
    const { pairs } = await performed('verify', [near(1, 0.3)], { person: idOf(1) });
    assert.equal(pairs?.[0]?.same, true);
    const other = await performed('verify', [near(1, 0.3)], { person: idOf(2) });
    assert.equal(other.pairs?.[0]?.same, false);
    assert.deepEqual((await performed('verify', [near(1, 0.3)], { person: idOf(77) })).pairs, []);
  });
});
