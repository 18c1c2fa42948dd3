/**
 * Fifty changes a second by two web nodes, of all kinds, while segments are merged: none is lost, none half applied.
 * Short by default; GALLERY_SECONDS=60 is the length that is reported.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { face, person } from './people.fixture.ts';
import type { PersonRecord } from './records.ts';
import {
  enrol,
  headOf,
  openStore,
  type PeopleCloud,
  put,
  remove,
  startPeopleCloud,
} from './store.fixture.ts';
import type { GalleryStore } from './store.ts';

const SECONDS = Number(process.env.GALLERY_SECONDS ?? 3);
const PER_SECOND = 50;

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

test('fifty changes a second are all there afterwards', {
  timeout: (SECONDS + 120) * 1000,
}, async (t) => {
  const bucket = await cloud.bucket();
  const stores = [openStore(cloud, bucket), openStore(cloud, bucket)];
  /** What each person must be in the end: the name and the number of faces; undefined when removed. */
  const expected = new Map<string, { name: string; faces: number } | undefined>();
  const tookMs: number[] = [];
  const versions: number[] = [];
  /** Enrols somebody, then does one more thing with them, by the other node. */
  const story = async (number: number): Promise<void> => {
    const [one, other] = number % 2 === 0 ? stores : [stores[1], stores[0]];
    const who = person(`P${number}`);
    const timed = async (change: Promise<{ version: number }>): Promise<void> => {
      const start = performance.now();
      versions.push((await change).version);
      tookMs.push(performance.now() - start);
    };
    await timed(enrol(one!, who, face(who), face(who)));
    expected.set(who.id, { name: who.name, faces: 2 });
    await timed(next(number, other!, who, expected));
  };
  const start = performance.now();
  const stories: Promise<void>[] = [];
  for (let number = 0; number < (SECONDS * PER_SECOND) / 2; number++) {
    stories.push(story(number));
    const dueMs = (number * 2000) / PER_SECOND;
    await delay(Math.max(0, dueMs - (performance.now() - start)));
  }
  await Promise.all(stories);
  const seconds = (performance.now() - start) / 1000;
  const index = await openStore(cloud, bucket).index();
  for (const [id, wanted] of expected) {
    assert.equal(index.people.get(id)?.name, wanted?.name);
    assert.equal(index.facesOf(id).length, wanted?.faces ?? 0);
  }
  const there = [...expected.values()].filter((one) => one !== undefined);
  assert.equal(index.people.size, there.length);
  assert.equal(
    index.faces,
    there.reduce((sum, { faces }) => sum + faces, 0),
  );
  await Promise.all(stores.map((store) => store.close()));
  const head = await headOf(bucket);
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => Math.round(tookMs[Math.floor(share * (tookMs.length - 1))]!);
  t.diagnostic(
    `${tookMs.length} changes in ${seconds.toFixed(1)} s (${(tookMs.length / seconds).toFixed(1)} a second), ` +
      `${head.version} versions, ${head.segments.length} segments; a change took ${at(0.5)} ms, ` +
      `95% at most ${at(0.95)} ms, the longest ${at(1)} ms`,
  );
  assert.ok(Math.max(...versions) <= head.version);
});

function next(
  number: number,
  store: GalleryStore,
  who: PersonRecord,
  expected: Map<string, { name: string; faces: number } | undefined>,
): Promise<{ version: number }> {
  switch (number % 4) {
    case 0:
      expected.set(who.id, undefined);
      return remove(store, who.id);
    case 1:
      expected.set(who.id, { name: `renamed ${number}`, faces: 2 });
      return store.change(() => put([{ ...who, name: `renamed ${number}` }]));
    case 2:
      expected.set(who.id, { name: who.name, faces: 3 });
      return store.change(() => put([], [face(who)]));
    default: {
      const twin = person(`twin ${number}`);
      expected.set(twin.id, undefined);
      expected.set(who.id, { name: who.name, faces: 3 });
      // Both in one group, the second one of them needing what the first one adds.
      const added = enrol(store, twin);
      const merged = store.change(() => ({
        kind: 'merge',
        from: twin.id,
        into: who.id,
        words: 'merge 2 people',
      }));
      return added.then(() => merged);
    }
  }
}
