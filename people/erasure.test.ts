/** After an erasure neither the name nor the embedding is in any object of the bucket, searched as bytes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { publishBase } from './base.ts';
import { peopleKeys } from './head.ts';
import { ENCODER, face, LENGTH, person } from './people.fixture.ts';
import type { PeopleBucket } from './read/bucket.ts';
import type { FaceRecord } from './records.ts';
import { encodeSegment } from './segment.ts';
import {
  contentsOf,
  enrol,
  facesByName,
  headOf,
  openStore,
  type PeopleCloud,
  put,
  remove,
  startPeopleCloud,
} from './store.fixture.ts';

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

/** Keys of objects that hold any of the texts or embeddings. */
async function holding(bucket: PeopleBucket, ...wanted: (string | Float32Array)[]) {
  const needles = wanted.map((one) =>
    typeof one === 'string'
      ? Buffer.from(one)
      : Buffer.from(one.buffer, one.byteOffset, one.byteLength),
  );
  const objects = await contentsOf(bucket);
  return [...objects].flatMap(([key, bytes]) =>
    needles.some((needle) => bytes.includes(needle)) ? [key] : [],
  );
}

const erasedIn = async (bucket: PeopleBucket): Promise<number> =>
  (await headOf(bucket)).erased ?? 0;

describe('an erasure', { timeout: 60_000 }, () => {
  it('removes name and embeddings from the head, every version, orphans and photos', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const [ada, bob] = [person('Ada-Maria', { metadata: { cake: 'Sachertorte' } }), person('Bob')];
    const faces = [face(ada), face(ada), face(ada)] as const;
    await enrol(store, ada, faces[0], faces[1]);
    await enrol(store, bob);
    await store.change(() => put([{ ...ada, name: 'Ada-Luise' }], [faces[2]]));
    await remove(store, faces[0].id);
    for (const { id } of faces) {
      await bucket.put(peopleKeys.photo(ada.id, id), 'Sachertorte', 'image/jpeg');
    }
    await bucket.put(peopleKeys.photo(bob.id, bob.id), 'photo of Bob', 'image/jpeg');
    const orphan = encodeSegment([ada], [...faces], ENCODER, LENGTH);
    const orphanId = '00000000-0000-4000-8000-000000000000';
    await bucket.put(peopleKeys.segment(orphanId), orphan, 'x/y');
    const traces = ['Ada-', 'Sachertorte', ada.id, ...faces.map(({ embedding }) => embedding)];
    assert.ok((await holding(bucket, ...traces)).length >= 6);
    const report = await store.erase([ada.id]);
    assert.deepEqual(await holding(bucket, ...traces), []);
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1 });
    assert.ok((await erasedIn(bucket)) > report.version);
    assert.deepEqual(
      { ...report, versions: report.versions > 0 },
      { version: 5, people: 1, faces: 3, segments: 2, versions: true, photos: 3 },
    );
    // The way back still leads to everybody else.
    for (const { version } of (await store.versions()).slice(1, -1)) {
      await store.change(() => ({ kind: 'rollback', version }));
      assert.deepEqual(Object.keys(await facesByName(cloud, bucket)), ['Bob'], `${version}`);
    }
    assert.deepEqual(await holding(bucket, ...traces), []);
    assert.ok(await bucket.get(peopleKeys.photo(bob.id, bob.id)));
    await store.close();
  });

  it('is told to workers by every later version, also where another node erased the segments', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const [ada, bob] = [person('Ada'), person('Bob')];
    await enrol(store, ada, face(ada));
    const { version } = await enrol(store, bob, face(bob));
    assert.equal(await erasedIn(bucket), 0);
    await store.erase([ada.id]);
    const first = await erasedIn(bucket);
    assert.ok(first > version);
    await store.change(() => put([{ ...bob, name: 'Robert' }], []));
    assert.equal(await erasedIn(bucket), first);
    await store.change(() => ({ kind: 'rollback', version }));
    assert.equal(await erasedIn(bucket), first);
    // Nothing of her is left to erase.
    const again = await store.erase([ada.id]);
    assert.ok((await erasedIn(bucket)) > again.version);
    await store.close();
  });

  it('takes those along who were merged into the person, and leaves the live ones', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const [ada, adah, bob] = [person('Ada'), person('Adah'), person('Bob')];
    const own = [face(ada), face(adah), face(bob), face(bob)] as const;
    await store.change(() => put([ada, adah, bob], [...own]));
    await store.change(() => ({ kind: 'merge', from: adah.id, into: ada.id, words: 'merge' }));
    // A face that was Bob's by mistake.
    await store.change(() => put([], [{ ...own[2], person: ada.id }]));
    await store.erase([ada.id]);
    const gone = [own[0], own[1], own[2]].map(({ embedding }) => embedding);
    assert.deepEqual(await holding(bucket, 'Adah', ...gone), []);
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1 });
    await store.close();
  });

  it('removes people of the base for good: neither this image nor a newer one brings them back', async () => {
    const bucket = await cloud.bucket();
    const embeddings = Float32Array.from({ length: 2 * LENGTH }, (_, i) => 1000 + i);
    const names = ['Ada-Maria', 'Bob'];
    const model = { encoder: ENCODER, length: LENGTH, names, embeddings, digest: 'a'.repeat(64) };
    await publishBase(cloud.s3, bucket.name, model);
    const store = openStore(cloud, bucket);
    const { id } = (await store.index()).byName('Ada-Maria')!;
    await store.erase([id]);
    const traces = ['Ada-Maria', embeddings.subarray(0, LENGTH)];
    assert.deepEqual(await holding(bucket, ...traces), []);
    assert.equal(await publishBase(cloud.s3, bucket.name, model), 'unchanged');
    await publishBase(cloud.s3, bucket.name, { ...model, digest: 'b'.repeat(64) });
    await store.takeBase();
    await store.change(() => ({ kind: 'rollback', version: 1 }));
    assert.deepEqual(await holding(bucket, ...traces), []);
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1 });
    await store.close();
  });

  it('of one face leaves the person and the other faces', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const ada = person('Ada');
    const faces: FaceRecord[] = [face(ada), face(ada)];
    await enrol(store, ada, ...faces);
    await store.erase([faces[0]!.id]);
    assert.deepEqual(await holding(bucket, faces[0]!.embedding, faces[0]!.id), []);
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1 });
    await store.close();
  });

  it('is complete while another node goes on enrolling people', async () => {
    const bucket = await cloud.bucket();
    const [store, other] = [openStore(cloud, bucket), openStore(cloud, bucket)];
    const ada = person('Ada-Maria');
    const own = face(ada);
    await enrol(store, ada, own);
    const names = Array.from({ length: 40 }, (_, i) => `P${i}`);
    const [report] = await Promise.all([
      store.erase([ada.id]),
      (async () => {
        for (const name of names) await enrol(other, person(name));
      })(),
    ]);
    assert.equal(report.people, 1);
    assert.deepEqual(await holding(bucket, 'Ada-Maria', own.embedding), []);
    assert.deepEqual(Object.keys(await facesByName(cloud, bucket)), names);
    await Promise.all([store.close(), other.close()]);
  });
});
