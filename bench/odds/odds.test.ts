/** The figure that odds are held to: people who were left out come as near as promised, within a factor of 2. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readGallery } from '../../model/match/gallery.ts';
import { unitVectors } from '../../model/match/vectors.fixture.ts';
import { facenetMissing, modelDirectory } from '../../test/model.fixture.ts';
import { leavePeopleOut } from './odds.ts';

const facenet = await facenetMissing();

it('strangers of the course’s gallery come as near as promised', { skip: facenet }, async (t) => {
  const gallery = await readGallery(await modelDirectory());
  if (new Set(gallery.names).size < 60) return t.skip('the gallery has few people');
  for (const { people, promised, strangers, near } of leavePeopleOut(gallery, 60, () => {})) {
    // 45 people have some 2,000 pairs of left-out and known people: 1 in 1000 of galleries is beyond them.
    if (people > 1 && promised > 100) continue;
    const ratio = (near / strangers) * promised;
    assert.ok(ratio > 0.5 && ratio < 2, `1 in ${promised} of ${people} people: ${ratio}`);
  }
});

it('every left-out person is tried once against each of the galleries', () => {
  const names = Array.from({ length: 41 }, (_, person) => `person ${person}`);
  const gallery = { encoder: 'facenet', names, embeddings: unitVectors(41, 7) } as const;
  const tries = leavePeopleOut(gallery, 2, () => {}).filter(({ promised }) => promised === 10);
  assert.deepEqual(
    tries.map(({ people, strangers }) => [people, strangers]),
    [
      [1, 2 * 21 * 20],
      [10, 2 * 21 * 2],
      [20, 2 * 21],
    ],
  );
});
