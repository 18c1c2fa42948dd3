/** Changes of one gallery: what each does, what it refuses, and that a failure leaves the gallery as it was. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { until } from '../test/condition.fixture.ts';
import { headSchema, peopleKeys } from './head.ts';
import { PeopleBucket } from './live/bucket.ts';
import { mergeWindow } from './live/merging.ts';
import { ENCODER, face, LENGTH, person } from './people.fixture.ts';
import type { Change, FaceRecord, PersonRecord } from './records.ts';
import { openStore, type PeopleCloud, startPeopleCloud } from './store.fixture.ts';
import type { GalleryStore } from './store.ts';

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

const put = (people: PersonRecord[], faces: FaceRecord[] = []): Change => ({
  kind: 'put',
  people,
  faces,
  encoder: ENCODER,
  words: 'enrol 1 person',
});
const enrol = (store: GalleryStore, who: PersonRecord, ...faces: FaceRecord[]) =>
  store.change(() => put([who], faces.length > 0 ? faces : [face(who)]));

async function headOf(bucket: PeopleBucket) {
  const found = await bucket.get(peopleKeys.head);
  return headSchema.parse(JSON.parse(`${found?.bytes}`));
}

/** Names with the number of faces, read by a store that has seen nothing yet. */
async function facesByName(bucket: PeopleBucket): Promise<Record<string, number>> {
  const index = await openStore(cloud, bucket).index();
  const entries = [...index.people.values()].map(({ id, name }) => [
    name,
    index.facesOf(id).length,
  ]);
  assert.equal(
    index.faces,
    entries.reduce((sum, [, count]) => sum + Number(count), 0),
  );
  return Object.fromEntries(entries);
}

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
    assert.deepEqual(await facesByName(bucket), { 'Ada L.': 3 });
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
      store.change(() => ({ kind: 'remove', ids: [ada.id], words: 'remove 1 person' })),
      enrol(store, person('Ada')),
    ]);
    assert.deepEqual(
      outcomes.map((one) => (one.status === 'rejected' ? one.reason.constructor.name : 'done')),
      ['done', 'done', 'NameTakenError', 'RangeError', 'done', 'done'],
    );
    assert.deepEqual(seen, [true]);
    assert.deepEqual(await facesByName(bucket), { first: 1, Ada: 1 });
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
    assert.deepEqual(await facesByName(bucket), { Bob: 1, Ada: 2 });
    await store.change(() => ({ kind: 'remove', ids: [bob.id], words: 'remove 1 person' }));
    await enrol(store, { ...bob, name: 'Ada' });
    assert.deepEqual(await facesByName(bucket), { Bob: 1, Ada: 1 });
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

describe('S3 that fails', { timeout: 60_000 }, () => {
  for (const key of ['segments', 'head.json', 'versions']) {
    it(`at a write of ${key} leaves the gallery as it was, and later changes are made`, async () => {
      const bucket = await cloud.bucket();
      const store = openStore(cloud, bucket);
      await enrol(store, person('Ada'));
      const before = await headOf(bucket);
      const failing = clientThat(async (_, path) => {
        if (path.includes(key)) throw new Error('the bucket is full');
        return true;
      });
      const other = openStore({ s3: failing }, bucket);
      await assert.rejects(enrol(other, person('Bob')), { code: 'people-bucket' });
      assert.deepEqual(await headOf(bucket), before);
      await enrol(store, person('Bob'));
      assert.deepEqual(await facesByName(bucket), { Ada: 1, Bob: 1 });
      await Promise.all([store.close(), other.close()]);
    });
  }

  it('a head whose answer is lost counts as written, also when others have followed it', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    let isLosing = true;
    const losing = clientThat(async (send, path) => {
      if (!path.includes('head.json') || !isLosing) return true;
      isLosing = false;
      await send();
      await enrol(store, person('Bob'));
      throw new Error('the connection was lost');
    });
    const other = openStore({ s3: losing }, bucket);
    assert.deepEqual(await enrol(other, person('Ada')), { version: 1 });
    assert.deepEqual(await facesByName(bucket), { Ada: 1, Bob: 1 });
    assert.equal((await headOf(bucket)).version, 2);
    await Promise.all([store.close(), other.close()]);
  });

  it('a node that dies between segment and head leaves an orphan, which is deleted later', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket, { tidy: { orphanMs: -60_000, orphansEveryMs: 0 } });
    await bucket.put(peopleKeys.segment('00000000-0000-4000-8000-000000000000'), 'lost', 'x/y');
    await enrol(store, person('Ada'));
    await until('the orphan to be gone', async () => {
      return (await bucket.list(peopleKeys.segments)).length === 1;
    });
    assert.deepEqual(await facesByName(bucket), { Ada: 1 });
    await store.close();
  });

  it('a torn segment or a forged head keeps the last good gallery, and refuses changes', async () => {
    const bucket = await cloud.bucket();
    const [store, other] = [openStore(cloud, bucket), openStore(cloud, bucket)];
    await enrol(store, person('Ada'));
    assert.equal((await store.index()).people.size, 1);
    await enrol(other, person('Bob'));
    const [, added] = (await headOf(bucket)).segments;
    const { bytes } = (await bucket.get(added!.key))!;
    await bucket.put(added!.key, bytes.subarray(0, 100), 'x/y');
    assert.deepEqual(
      [...(await store.index()).people.values()].map(({ name }) => name),
      ['Ada'],
    );
    await assert.rejects(enrol(store, person('Eve')), { code: 'gallery-segment' });
    await bucket.put(added!.key, bytes, 'x/y');
    assert.equal((await store.index()).people.size, 2);
    for (const forged of ['{"format":1', '{"format":2}', '[]']) {
      await bucket.put(peopleKeys.head, forged, 'x/y');
      assert.equal((await store.index()).people.size, 2);
      await assert.rejects(enrol(store, person('Eve')), { code: 'gallery-segment' });
    }
    await Promise.all([store.close(), other.close()]);
  });
});

describe('versions', { timeout: 60_000 }, () => {
  it('a rollback is a new version with the people of an old one, and can itself be rolled back', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const [ada, bob] = [person('Ada'), person('Bob')];
    await enrol(store, ada);
    await enrol(store, bob);
    await store.change(() => ({ kind: 'remove', ids: [ada.id], words: 'remove 1 person' }));
    assert.deepEqual(await store.change(() => ({ kind: 'rollback', version: 2 })), { version: 4 });
    assert.deepEqual(await facesByName(bucket), { Ada: 1, Bob: 1 });
    await store.change(() => ({ kind: 'rollback', version: 3 }));
    assert.deepEqual(await facesByName(bucket), { Bob: 1 });
    await store.change(() => ({ kind: 'rollback', version: 0 }));
    assert.deepEqual(await facesByName(bucket), {});
    await enrol(store, ada);
    assert.deepEqual(await facesByName(bucket), { Ada: 1 });
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
    await store.change(() => ({ kind: 'remove', ids: [ada.id], words: 'remove 1 person' }));
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
        await store.change(() => ({ kind: 'remove', ids: [who.id], words: 'remove 1 person' }));
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

  it('a million faces that come one by one are each written anew a few times only', () => {
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

/** A client whose writes a test lets through, carries out by itself, or fails. */
function clientThat(
  decides: (send: () => Promise<unknown>, path: string) => Promise<boolean>,
): S3Client {
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: cloud.url,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const { method, path } = args.request as { method: string; path: string };
      const isWrite = method === 'PUT';
      if (isWrite && !(await decides(() => next(args), path))) throw new Error('failed');
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  return client;
}
