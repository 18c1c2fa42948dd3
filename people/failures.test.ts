/** S3 that fails at any write, and objects that are torn or forged, leave the gallery as it was. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { until } from '../test/condition.fixture.ts';
import { peopleKeys } from './head.ts';
import { person } from './people.fixture.ts';
import type { PeopleBucket } from './read/bucket.ts';
import {
  enrol,
  facesByName,
  headOf,
  openStore,
  type PeopleCloud,
  startPeopleCloud,
} from './store.fixture.ts';

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

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
      assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1, Bob: 1 });
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
    const other = openStore({ s3: losing }, bucket, { versions: 0 });
    assert.deepEqual(await enrol(other, person('Ada')), { version: 1 });
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1, Bob: 1 });
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
    assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1 });
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

describe('a damaged newest version', { timeout: 60_000 }, () => {
  const damages: readonly [string, (bucket: PeopleBucket, segment: string) => Promise<void>][] = [
    ['a head that is not understood', (bucket) => bucket.put(peopleKeys.head, '{"format":', 'x/y')],
    [
      'a torn segment',
      async (bucket, segment) => {
        const { bytes } = (await bucket.get(segment))!;
        await bucket.put(segment, bytes.subarray(0, 100), 'x/y');
      },
    ],
    ['a missing segment', (bucket, segment) => bucket.delete([segment])],
  ];
  for (const [what, damage] of damages) {
    it(`with ${what} can be rolled back by a node that has just started`, async () => {
      const bucket = await cloud.bucket();
      const store = openStore(cloud, bucket);
      for (const name of ['Ada', 'Bob', 'Eve']) await enrol(store, person(name));
      await store.close();
      await damage(bucket, (await headOf(bucket)).segments.at(-1)!.key);
      const announced: number[] = [];
      const fresh = openStore(cloud, bucket, { onChange: (version) => announced.push(version) });
      await assert.rejects(enrol(fresh, person('Joe')), { code: 'gallery-segment' });
      assert.deepEqual(
        (await fresh.versions()).map(({ version }) => version),
        [2, 1],
      );
      await assert.rejects(fresh.rollback(7), { code: 'gallery-version' });
      assert.deepEqual(await fresh.rollback(2), { version: 4 });
      assert.deepEqual(announced, [4]);
      assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1, Bob: 1 });
      await enrol(fresh, person('Joe'));
      assert.deepEqual(await facesByName(cloud, bucket), { Ada: 1, Bob: 1, Joe: 1 });
      await fresh.close();
    });
  }
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
