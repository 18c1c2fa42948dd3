/** Changes of one gallery: what each does, and what it refuses. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ENCODER, face, LENGTH, person } from './people.fixture.ts';
import { PeopleBucket } from './read/bucket.ts';
import type { Change, PersonRecord } from './records.ts';
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

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

describe('a change', { timeout: 60_000 }, () => {
  it('adds, renames, merges and removes people, and each version says what it was', async () => {
    const bucket = await cloud.bucket();
    const changed: number[] = [];
    const store = openStore(cloud, bucket, { onChange: (version) => changed.push(version) });
    assert.equal((await store.index()).version, 0);
    const [ada, bob, eve] = [person('Ada'), person('Bob'), person('Eve')];
    const faceOfBob = face(bob);
    assert.deepEqual(await enrol(store, ada, face(ada), face(ada)), { version: 1 });
    await enrol(store, bob, faceOfBob);
    await enrol(store, eve);
    await store.change(() => put([{ ...ada, name: 'Ada L.' }]));
    await store.change(() => ({
      kind: 'merge',
      from: bob.id,
      into: ada.id,
      words: 'merge 2 people',
    }));
    const { version } = await store.change(() => ({
      kind: 'remove',
      ids: [eve.id],
      words: 'remove 1 person',
    }));
    assert.equal(version, 6);
    assert.deepEqual(await facesByName(cloud, bucket), { 'Ada L.': 3 });
    const index = await store.index();
    assert.deepEqual([index.people.size, index.faces, index.encoder], [1, 3, ENCODER]);
    assert.equal(index.byName('Ada L.')?.id, ada.id);
    assert.equal(index.byName('Ada'), undefined);
    const [moved] = await store.embeddingsOf([index.face(faceOfBob.id)!]);
    assert.deepEqual(moved, { ...faceOfBob, person: ada.id });
    assert.deepEqual(
      (await store.versions()).map(({ change }) => change),
      ['remove 1 person', 'merge 2 people', ...Array.from({ length: 4 }, () => 'enrol 1 person')],
    );
    assert.deepEqual(changed, [1, 2, 3, 4, 5, 6]);
    await store.close();
  });

  it('that arrives while another is written goes into the next group, with one segment and head', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const people = Array.from({ length: 40 }, (_, i) => person(`P${i}`));
    const written = await Promise.all(people.map((who) => enrol(store, who)));
    const versions = new Set(written.map(({ version }) => version));
    assert.ok(versions.size <= 3, `${versions.size} heads`);
    assert.equal((await headOf(bucket)).segments.length, versions.size);
    assert.equal((await store.index()).people.size, 40);
    await store.close();
  });

  it('sees the changes before it in its group, and one that is refused takes no other with it', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const ada = person('Ada');
    const seen: boolean[] = [];
    const outcomes = await Promise.allSettled([
      enrol(store, person('first')),
      enrol(store, ada),
      enrol(store, person('Ada')),
      store.change((index) => {
        seen.push(index.byName('Ada') !== undefined);
        throw new RangeError('not now');
      }),
      remove(store, ada.id),
      enrol(store, person('Ada')),
    ]);
    assert.deepEqual(
      outcomes.map((one) => (one.status === 'rejected' ? one.reason.constructor.name : 'done')),
      ['done', 'done', 'NameTakenError', 'RangeError', 'done', 'done'],
    );
    assert.deepEqual(seen, [true]);
    assert.deepEqual(await facesByName(cloud, bucket), { first: 1, Ada: 1 });
    await store.close();
  });

  it('two people can swap their names, and somebody who was removed can come back', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const [ada, bob] = [person('Ada'), person('Bob')];
    await store.change(() => put([ada, bob], [face(ada), face(bob), face(bob)]));
    await store.change(() =>
      put([
        { ...ada, name: 'Bob' },
        { ...bob, name: 'Ada' },
      ]),
    );
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1, Ada: 2 });
    await remove(store, bob.id);
    await enrol(store, { ...bob, name: 'Ada' });
    assert.deepEqual(await facesByName(cloud, bucket), { Bob: 1, Ada: 1 });
    await store.close();
  });

  for (const [what, make, message] of [
    [
      'embeddings of another encoder',
      (ada: PersonRecord) => ({ ...put([], [face(ada)]), encoder: 'compact' }) as Change,
      /of compact, the gallery's of facenet/,
    ],
    [
      'an embedding of another length',
      (ada: PersonRecord) => put([], [face(ada, { embedding: new Float32Array(3) })]),
      /must be 8 finite numbers/,
    ],
    [
      'an embedding that is no number',
      (ada: PersonRecord) =>
        put([], [face(ada, { embedding: new Float32Array(LENGTH).fill(Number.NaN) })]),
      /finite/,
    ],
    ['a face of nobody', () => put([], [face(person('nobody'))]), /not in the gallery any more/],
    [
      'a merge of a person with themselves',
      ({ id }: PersonRecord) => ({ kind: 'merge', from: id, into: id, words: '' }) as Change,
      /cannot be merged with themselves/,
    ],
    [
      'more metadata than is kept',
      (ada: PersonRecord) => put([{ ...ada, metadata: { a: 'b'.repeat(2000) } }]),
      /'metadata' cannot be kept/,
    ],
  ] as const) {
    it(`with ${what} is refused with one sentence, and the gallery stays`, async () => {
      const bucket = await cloud.bucket();
      const store = openStore(cloud, bucket);
      const ada = person('Ada');
      await enrol(store, ada);
      await assert.rejects(
        store.change(() => make(ada)),
        { code: 'gallery-change', message },
      );
      assert.equal((await headOf(bucket)).version, 1);
      await store.close();
    });
  }

  it('in a project without a people bucket says what to run, and reading sees version 0', async () => {
    const none = new PeopleBucket(cloud.s3, 'nobody-people-bucket');
    const warnings: string[] = [];
    const log = { warn: (_: unknown, text: string) => warnings.push(text), debug() {} };
    const store = openStore(cloud, none, { log: log as never });
    for (const _ of [1, 2]) assert.equal((await store.index()).version, 0);
    assert.equal(warnings.length, 1);
    await assert.rejects(enrol(store, person('Ada')), {
      code: 'people-bucket',
      message: /'nobody-people-bucket' does not exist: .*npm run provision/,
    });
    await store.close();
  });

  it('finds people whose time is over', async () => {
    const store = openStore(cloud, await cloud.bucket());
    const [over, later] = [
      person('over', { expires: '2026-01-01T00:00:00Z' }),
      person('later', { expires: '2126-01-01T00:00:00Z' }),
    ];
    await store.change(() => put([over, later, person('always')], [face(over)]));
    assert.deepEqual(await store.expired(new Date('2026-06-01')), [over]);
    await store.close();
  });
});
