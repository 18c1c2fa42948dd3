/** How a gallery moves to a model with another encoder: back to that model's own people, then enrolled again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { publishBase } from './base.ts';
import { ENCODER, face, LENGTH, person } from './people.fixture.ts';
import type { PeopleBucket } from './read/bucket.ts';
import type { Change, PersonRecord } from './records.ts';
import {
  contentsOf,
  enrol,
  facesByName,
  headOf,
  openStore,
  type PeopleCloud,
  startPeopleCloud,
} from './store.fixture.ts';

const OTHER = 'compact';
const OTHER_LENGTH = 2 * LENGTH;

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

const publishOther = (bucket: PeopleBucket, names: readonly string[]) =>
  publishBase(cloud.s3, bucket.name, {
    encoder: OTHER,
    length: OTHER_LENGTH,
    names,
    embeddings: new Float32Array(names.length * OTHER_LENGTH).fill(0.5),
    digest: 'b'.repeat(64),
  });

function putOther(who: PersonRecord): Change {
  const embedding = new Float32Array(OTHER_LENGTH).fill(0.25);
  const faces = [face(who, { embedding })];
  return { kind: 'put', people: [who], faces, encoder: OTHER, words: 'enrol 1 person' };
}

describe('a model with another encoder', { timeout: 60_000 }, () => {
  it('adds nobody to the gallery, and takes nothing from it', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    await enrol(store, person('Ada'));
    await publishOther(bucket, ['Baked']);
    await assert.rejects(
      store.change(() => putOther(person('Bob'))),
      { code: 'gallery-change' },
    );
    assert.equal(await store.takeBase(), undefined);
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1 });
    await store.close();
  });

  it('starts over from its own people, however many changes there were, and people are enrolled again', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket, { versions: 2, tidy: { graceMs: 0 } });
    for (const name of ['Bob', 'Eve', 'Joe', 'Ada']) await enrol(store, person(name));
    await publishOther(bucket, ['Baked']);
    await store.change(() => ({ kind: 'rollback', version: 0 }));
    assert.deepEqual(await facesByName(cloud, bucket), { Baked: 1 });
    assert.equal((await headOf(bucket)).encoder, OTHER);
    await store.change(() => putOther(person('Ada')));
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1, Baked: 1 });
    // The way back, while it is kept.
    await store.change(() => ({ kind: 'rollback', version: 4 }));
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1, Bob: 1, Eve: 1, Joe: 1 });
    await store.close();
  });

  it('somebody who is forgotten afterwards is erased from versions of the encoder before, too', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const ada = person('Ada Lovelace');
    await enrol(store, ada);
    await enrol(store, person('Bob'));
    await publishOther(bucket, ['Baked']);
    await store.change(() => ({ kind: 'rollback', version: 0 }));
    await store.erase([ada.id]);
    for (const [key, bytes] of await contentsOf(bucket)) {
      assert.equal(bytes.includes('Ada Lovelace'), false, key);
    }
    await store.change(() => ({ kind: 'rollback', version: 2 }));
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1 });
    await store.close();
  });

  it('people of a base who were erased do not come back with a newer one after a rollback to it', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const base = (digest: string) => ({
      encoder: ENCODER,
      length: LENGTH,
      names: ['Ada', 'Bob'],
      embeddings: new Float32Array(2 * LENGTH).map((_, i) => i),
      digest: digest.repeat(64),
    });
    await publishBase(cloud.s3, bucket.name, base('a'));
    const ada = (await store.index()).byName('Ada')!;
    await enrol(store, person('Eve'));
    await store.erase([ada.id]);
    await store.change(() => ({ kind: 'rollback', version: 0 }));
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1 });
    await publishBase(cloud.s3, bucket.name, base('c'));
    await store.takeBase();
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1 });
    await store.close();
  });
});
