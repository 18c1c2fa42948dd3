/**
 * What this project expects of SQS and S3, as a suite that any of their stand-ins must pass: of what
 * cloud/ says to them, nothing may be answered in another way.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import type { TestProject } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { isFileName, MOST_FILE_NAME_UNITS } from '../contract/file-names.ts';
import type { Match } from '../contract/match.ts';
import { decodeRequest, encodeRequest } from '../contract/messages.ts';
import { asideKey, stemOf } from '../contract/names.ts';
import { PEOPLES_NAMES } from '../contract/peoples-names.fixture.ts';
import { listKeys } from './inspection.ts';
import { provision } from './provision.ts';
import { openPhotos, openResults } from './s3/objects.ts';
import { openQueue } from './sqs/queues.ts';

const id = '0b9d3f0e-4a3e-4a52-9c0a-6d2a8b1c2d3e';
const match: Match = {
  name: 'Zoë',
  distance: 0.812345,
  box: [20.8934, 18.5738, 45.8547, 51.0195],
  probability: 0.999386,
  landmarks: Array.from({ length: 5 }, (_, i): [number, number] => [27.2483 + i, 30.1273 - i]),
  nearest: [
    { name: 'Zoë', distance: 0.812345 },
    { name: 'Bob', distance: 1.012345 },
    { name: 'Wang', distance: 1.112345 },
  ],
  width: 64,
  height: 64,
};

/**
 * @param start a cloud in which the project is provisioned
 * @param skip why it cannot be started here
 */
export function queuesAndBuckets(
  where: string,
  start: (settings: Record<string, unknown>) => Promise<TestProject>,
  skip: string | false = false,
): void {
  describe(`queues and buckets of ${where}`, { timeout: 90_000, skip }, () => {
    let cloud: TestProject;
    before(async () => {
      cloud = await start({ MAX_RECEIVES: 2 });
    });
    after(() => cloud.close());

    it('twenty-five messages sent at once all arrive, and deleting empties the queue', async () => {
      const queue = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
      const bodies = Array.from({ length: 25 }, (_, i) => `message ${i}`);
      await Promise.all(bodies.map((body) => queue.send(body)));
      const seen: string[] = [];
      while (seen.length < 25) {
        const messages = await queue.receive({ most: 10, waitSeconds: 1 });
        assert.ok(messages.every(({ deliveries }) => deliveries === 1));
        seen.push(...messages.map(({ body }) => body));
        await Promise.all(messages.map(({ receipt }) => queue.delete(receipt)));
      }
      assert.deepEqual(seen.sort(), bodies.sort());
      assert.deepEqual(await queue.depth(), { visible: 0, inFlight: 0, delayed: 0 });
    });

    it('a message given back too often ends in the dead-letter queue', async () => {
      const queue = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
      const deadLetters = await openQueue(cloud.clients.sqs, cloud.names.deadLetterQueue);
      await queue.send('poison');
      // One more than MAX_RECEIVES: the worker gives it up before SQS has to.
      for (const deliveries of [1, 2, 3]) {
        const [message] = await queue.receive({ most: 1, waitSeconds: 5 });
        assert.equal(message?.deliveries, deliveries);
        await queue.extend(message?.receipt ?? '', 0);
      }
      assert.deepEqual(await queue.receive({ most: 1, waitSeconds: 0 }), []);
      await until('the dead letter', async () => (await deadLetters.depth()).visible === 1);
    });

    it('provisioning again keeps what is there and takes new settings', async () => {
      const queue = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
      await queue.send('kept');
      await provision(cloud.clients, { ...cloud.settings, VISIBILITY_SECONDS: 77 });
      assert.equal((await queue.depth()).visible, 1);
      await queue.purge();
    });

    it('a queue that is not there is named in the error', async () => {
      await assert.rejects(openQueue(cloud.clients.sqs, 'nobody-req-queue'), /'nobody-req-queue'/);
    });

    it('a photo is read back as it was put; a missing one is undefined', async () => {
      const photos = openPhotos(cloud.clients.s3, cloud.names.inBucket);
      await photos.put('a b (1).jpg', Buffer.from([1, 2, 3]), 'image/jpeg');
      assert.deepEqual([...((await photos.get('a b (1).jpg')) ?? [])], [1, 2, 3]);
      assert.equal(await photos.get('missing.jpg'), undefined);
      await photos.delete('a b (1).jpg');
    });

    it('a photo set aside moves to its contract key, once', async () => {
      const photos = openPhotos(cloud.clients.s3, cloud.names.inBucket);
      const key = asideKey(id, 'a+b (2).jpg');
      await photos.put(key, Buffer.from([4, 5]), 'image/jpeg');
      await photos.settle(key, 'a+b (2).jpg');
      await photos.settle(key, 'a+b (2).jpg');
      const { Contents } = await cloud.clients.s3.send(
        new ListObjectsV2Command({ Bucket: cloud.names.inBucket }),
      );
      assert.deepEqual(
        Contents?.map(({ Key }) => Key),
        ['a+b (2).jpg'],
      );
      assert.deepEqual([...((await photos.get('a+b (2).jpg')) ?? [])], [4, 5]);
    });

    it('a photo of any name that people give is found by it, moved to it, and told of by it', async () => {
      const { s3, sqs } = cloud.clients;
      const photos = openPhotos(s3, cloud.names.inBucket);
      const results = openResults(s3, cloud.names.outBucket);
      const queue = await openQueue(sqs, cloud.names.requestQueue);
      const short = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
      const drawn = fc.sample(short.filter(isFileName), { numRuns: 20, seed: 1 });
      const long = '\u5199'.repeat(MOST_FILE_NAME_UNITS);
      for (const [i, file] of [...PEOPLES_NAMES, ...drawn, long].entries()) {
        const key = asideKey(id, file);
        const bytes = Buffer.from([i]);
        await photos.put(key, bytes, 'image/jpeg');
        await photos.settle(key, file);
        assert.deepEqual(Buffer.from((await photos.get(file)) ?? []), bytes, file);
        assert.equal(await photos.get(key), undefined, file);
        await results.put(file, { requestId: id, match });
        const { Body } = await s3.send(
          new GetObjectCommand({ Bucket: cloud.names.outBucket, Key: stemOf(file) }),
        );
        assert.equal(await Body?.transformToString(), `${stemOf(file)}:${match.name}`);
        assert.equal((await results.find(file))?.requestId, id, file);
        // fauxqs by itself refuses letters beyond U+FFFF, which SQS takes.
        if (where === 'fauxqs' && /[\u{10000}-\u{10ffff}]/u.test(file)) continue;
        const request = { id, file, key, node: 'web-1', sentAt: i };
        await queue.send(encodeRequest(request));
        const [message] = await queue.receive({ most: 1, waitSeconds: 5 });
        assert.deepEqual(decodeRequest(message?.body ?? ''), request);
        await queue.delete(message?.receipt ?? '');
      }
      assert.deepEqual(
        new Set(await listKeys(s3, cloud.names.inBucket)),
        new Set(['a+b (2).jpg', ...PEOPLES_NAMES, ...drawn, long]),
      );
    });

    it('a result is the contract’s line under the stem, with its request and the whole match', async () => {
      const results = openResults(cloud.clients.s3, cloud.names.outBucket);
      assert.equal(await results.find('test_00.jpg'), undefined);
      await results.put('test_00.jpg', { requestId: id, digest: 'abc', match });
      const stored = await cloud.clients.s3.send(
        new GetObjectCommand({ Bucket: cloud.names.outBucket, Key: 'test_00' }),
      );
      assert.equal(await stored.Body?.transformToString(), 'test_00:Zoë');
      assert.equal(stored.ContentType, 'text/plain');
      assert.deepEqual(await results.find('test_00.jpg'), { requestId: id, digest: 'abc', match });
    });

    it('a stranger’s line has the name that strangers are given, and keeps the nearest in its match', async () => {
      const named = openResults(cloud.clients.s3, cloud.names.outBucket, 'unknown');
      for (const [known, line] of [
        [false, 'face:unknown'],
        [true, 'face:Zoë'],
        [undefined, 'face:Zoë'],
      ] as const) {
        await named.put('face.jpg', { requestId: id, match: { ...match, known } });
        const { Body } = await cloud.clients.s3.send(
          new GetObjectCommand({ Bucket: cloud.names.outBucket, Key: 'face' }),
        );
        assert.equal(await Body?.transformToString(), line);
        assert.equal((await named.find('face.jpg'))?.match.name, 'Zoë');
      }
    });

    it('the quality of faces takes none of the little room that a result has', async () => {
      const results = openResults(cloud.clients.s3, cloud.names.outBucket);
      const quality = {
        ...{ score: 0, size: 0, sharpness: 0, light: 0, pose: 0, confidence: 0 },
        reasons: new Array(9).fill('The face has too little contrast.'),
      };
      const { quality: _, faces: __, ...bare } = match;
      const rated = { ...bare, odds: 12.5, quality };
      await results.put('rated.jpg', { requestId: id, match: { ...rated, faces: [rated] } });
      const kept = { ...bare, odds: 12.5 };
      const { width, height, ...face } = kept;
      assert.deepEqual((await results.find('rated.jpg'))?.match, { ...kept, faces: [face] });
    });
  });
}
