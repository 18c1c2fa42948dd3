/** Earlier versions: the way back, how many are kept, and how segments are merged. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../test/condition.fixture.ts';
import { peopleKeys } from './head.ts';
import { face, person } from './people.fixture.ts';
import type { FaceRecord } from './records.ts';
import {
  enrol,
  facesByName,
  headOf,
  openStore,
  type PeopleCloud,
  put,
  remove,
  startPeopleCloud,
} from './store.fixture.ts';
import { mergeWindow } from './upkeep/merging.ts';

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

describe('versions', { timeout: 60_000 }, () => {
  it('a rollback is a new version with the people of an old one, and can itself be rolled back', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const [ada, bob] = [person('Ada'), person('Bob')];
    await enrol(store, ada);
    await enrol(store, bob);
    await remove(store, ada.id);
    assert.deepEqual(await store.change(() => ({ kind: 'rollback', version: 2 })), { version: 4 });
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1, Bob: 1 });
    await store.change(() => ({ kind: 'rollback', version: 3 }));
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1 });
    await store.change(() => ({ kind: 'rollback', version: 0 }));
    assert.deepEqual(await facesByName(cloud, bucket), {});
    await enrol(store, ada);
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1 });
    for (const version of [7, 8, 100]) {
      await assert.rejects(
        store.change(() => ({ kind: 'rollback', version })),
        {
          code: 'gallery-version',
        },
      );
    }
    await store.close();
  });

  it('only GALLERY_VERSIONS earlier ones are kept, and segments of no version are deleted', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket, { versions: 3, tidy: { graceMs: 0 } });
    const ada = person('Ada');
    for (let i = 0; i < 12; i++) await store.change(() => put([ada], [face(ada, { id: ada.id })]));
    await remove(store, ada.id);
    assert.deepEqual(
      (await store.versions()).map(({ version }) => version),
      [13, 12, 11, 10],
    );
    await store.close();
    const tidy = openStore(cloud, bucket, { versions: 3, tidy: { graceMs: 0 } });
    await enrol(tidy, person('Bob'));
    await until('versions to be deleted', async () => {
      return (await bucket.list(peopleKeys.versions)).length === 3;
    });
    await assert.rejects(
      tidy.change(() => ({ kind: 'rollback', version: 2 })),
      {
        code: 'gallery-version',
      },
    );
    await tidy.close();
  });

  it('many segments are merged, and the gallery and its embeddings stay the same', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket, { tidy: { graceMs: 0 } });
    const faces: FaceRecord[] = [];
    const gone: string[] = [];
    for (let i = 0; i < 40; i++) {
      const who = person(`P${i}`);
      const own = [face(who), face(who)];
      await enrol(store, who, ...own);
      if (i % 10 === 0) {
        await remove(store, who.id);
        gone.push(who.id);
      } else faces.push(...own);
    }
    await until('the merge', async () => (await headOf(bucket)).segments.length <= 32);
    await store.close();
    const { segments, removed } = await headOf(bucket);
    assert.ok(segments.length <= 32 && removed.length < 3 * gone.length);
    for (const reader of [store, openStore(cloud, bucket)]) {
      const index = await reader.index();
      assert.deepEqual([index.people.size, index.faces], [36, 72]);
      for (const id of gone) assert.equal(index.people.has(id), false);
      assert.deepEqual(await reader.embeddingsOf(faces), faces);
    }
  });

  it('a million faces that come one by one are each rewritten a few times only', () => {
    let segments: { people: number; faces: number }[] = [];
    let written = 0;
    const changes = 200_000;
    for (let i = 0; i < changes; i++) {
      segments.push({ people: 1, faces: 5 });
      for (let window = mergeWindow(segments); window; window = mergeWindow(segments)) {
        const faces = segments.slice(...window).reduce((sum, one) => sum + one.faces, 0);
        written += faces;
        const merged = { people: faces / 5, faces };
        segments = [...segments.slice(0, window[0]), merged, ...segments.slice(window[1])];
      }
    }
    assert.equal(
      segments.reduce((sum, { faces }) => sum + faces, 0),
      5 * changes,
    );
    assert.ok(segments.length < 80, `${segments.length} segments`);
    assert.ok(written / (5 * changes) < 10, `${written / (5 * changes)} times`);
  });
});
