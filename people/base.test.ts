/** The model's own gallery as the base of the live one. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../test/condition.fixture.ts';
import { baseRecords, publishBase } from './base.ts';
import { peopleKeys } from './head.ts';
import { ENCODER, LENGTH, person } from './people.fixture.ts';
import type { PeopleBucket } from './read/bucket.ts';
import { isBaseId } from './segments/ids.ts';
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

/** @param names with the first number of each embedding */
function model(digest: string, ...faces: readonly [name: string, value: number][]) {
  const embeddings = new Float32Array(faces.length * LENGTH);
  for (const [i, [, value]] of faces.entries())
    embeddings.fill(value, i * LENGTH, (i + 1) * LENGTH);
  const names = faces.map(([name]) => name);
  return { encoder: ENCODER, length: LENGTH, names, embeddings, digest: digest.repeat(64) };
}

const first = model('a', ['Ada', 1], ['Bob', 2], ['Ada', 3], ['Eve', 4]);
const publish = (bucket: PeopleBucket, gallery: ReturnType<typeof model>) =>
  publishBase(cloud.s3, bucket.name, gallery);

describe('a base', { timeout: 60_000 }, () => {
  it('is written once by any number of workers, with ids that are made from what it holds', async () => {
    const bucket = await cloud.bucket();
    const outcomes = await Promise.all([1, 2, 3].map(() => publish(bucket, first)));
    assert.ok(outcomes.includes('written'));
    assert.equal(await publish(bucket, first), 'unchanged');
    assert.equal((await bucket.list(peopleKeys.segments)).length, 1);
    const index = await openStore(cloud, bucket).index();
    assert.equal(index.version, 0);
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 2, Bob: 1, Eve: 1 });
    for (const [id] of index.people) assert.ok(isBaseId(id));
    assert.equal(await publishBase(cloud.s3, 'nobody-people-bucket', first), 'no bucket');
  });

  it('keeps each of two equal faces', () => {
    const twice = model('a', ['Ada', 1], ['Ada', 1]);
    assert.equal(new Set(baseRecords(twice).map(({ face }) => face.id)).size, 2);
  });

  it('is what the first change starts from: its people can be renamed, merged and removed', async () => {
    const bucket = await cloud.bucket();
    await publish(bucket, first);
    const store = openStore(cloud, bucket);
    const index = await store.index();
    const [ada, bob, eve] = ['Ada', 'Bob', 'Eve'].map((name) => index.byName(name)!);
    await store.change(() => put([{ ...ada!, name: 'Ada L.' }]));
    await store.change(() => ({ kind: 'merge', from: bob!.id, into: ada!.id, words: 'merge' }));
    await remove(store, eve!.id);
    assert.deepEqual(await facesByName(cloud, bucket), { 'Ada L.': 3 });
    assert.equal((await headOf(bucket)).base, first.digest);
    await store.close();
  });

  it('that is new brings its people in, and nobody back who was removed, renamed or is there', async () => {
    const bucket = await cloud.bucket();
    await publish(bucket, first);
    const store = openStore(cloud, bucket);
    const index = await store.index();
    await store.change(() => put([{ ...index.byName('Ada')!, name: 'Ada L.' }]));
    await remove(store, index.byName('Eve')!.id);
    await enrol(store, person('Zoe'));
    // Bob has another photo now, Ada one less; Eve, Zoe and Kim are in the image.
    const next = model('b', ['Ada', 3], ['Bob', 20], ['Eve', 4], ['Zoe', 5], ['Kim', 6]);
    assert.equal(await publish(bucket, next), 'written');
    assert.equal(await store.takeBase(), 4);
    assert.equal(await store.takeBase(), undefined);
    const expected = { 'Ada L.': 1, Bob: 1, Zoe: 1, Kim: 1 };
    assert.deepEqual(await facesByName(cloud, bucket), expected);
    assert.deepEqual((await headOf(bucket)).people, 4);
    const live = await store.index();
    const [bob] = await store.embeddingsOf(live.facesOf(live.byName('Bob')!.id));
    assert.equal(bob?.embedding[0], 20);
    await store.change(() => ({ kind: 'rollback', version: 3 }));
    assert.deepEqual(await facesByName(cloud, bucket), { 'Ada L.': 2, Bob: 1, Zoe: 1 });
    assert.equal(await store.takeBase(), undefined);
    await store.close();
  });

  it('that is new is noticed by a web node, which takes it in', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    await enrol(store, person('Zoe'));
    await publish(bucket, first);
    await until('the base', async () => (await store.index()).byName('Bob') !== undefined);
    assert.deepEqual(await facesByName(cloud, bucket), { Zoe: 1, Ada: 2, Bob: 1, Eve: 1 });
    await store.close();
  });

  it('that holds somebody who was removed while it was written is cleaned when it is taken in', async () => {
    const bucket = await cloud.bucket();
    await publish(bucket, first);
    const store = openStore(cloud, bucket);
    const index = await store.index();
    await store.change(() => put([{ ...index.byName('Bob')!, name: 'Robert' }]));
    await store.erase([index.byName('Eve')!.id]);
    // As a worker writes it that has read the head before.
    const { removedFromBase, ...head } = await headOf(bucket);
    await bucket.put(peopleKeys.head, JSON.stringify({ ...head, removedFromBase: [] }), 'x/y');
    await publish(bucket, model('b', ['Eve', 4], ['Kim', 6]));
    await bucket.put(peopleKeys.head, JSON.stringify({ ...head, removedFromBase }), 'x/y');
    await store.takeBase();
    for (const [key, bytes] of await contentsOf(bucket)) assert.ok(!bytes.includes('Eve'), key);
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 2, Robert: 1, Kim: 1 });
    await store.close();
  });

  it('of another encoder is left alone, and so is a damaged one', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    await enrol(store, person('Zoe'));
    await publish(bucket, { ...first, encoder: 'compact' });
    assert.equal(await store.takeBase(), undefined);
    await bucket.put(peopleKeys.base, '{"format":1', 'application/json');
    await enrol(store, person('Kim'));
    assert.deepEqual(await facesByName(cloud, bucket), { Zoe: 1, Kim: 1 });
    assert.equal(await publish(bucket, first), 'written');
    await store.close();
  });
});
