import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pLimit from 'p-limit';
import { openPhotos } from '../cloud/aws/s3/objects.ts';
import { openDeadLetters } from '../cloud/aws/sqs/dead-letters.ts';
import { openQueue, type Queue } from '../cloud/aws/sqs/queues.ts';
import { decodeRequest, encodeRequest, photoDigest } from '../cloud/contract/messages.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openPressure, type Pressure } from '../cloud/redis/pressure.ts';
import { startRedis } from '../local/redis.ts';
import { silent, startTestCloud, type TestCloud } from '../test/cloud.fixture.ts';
import { type DeadLetterDesk, openDeadLetterDesk } from './dead-letter-desk.ts';

const PHOTO = Buffer.from('a photo');
/** A night with a bad model gives many: DEAD_LETTERS=100000 takes some minutes. */
const LETTERS = Number(process.env.DEAD_LETTERS ?? 320);

describe('dead letters', () => {
  let cloud: TestCloud;
  let desk: DeadLetterDesk;
  let buried: Queue;
  let requests: Queue;
  let pressure: Pressure;
  const closing = new AsyncDisposableStack();
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-desk-'));
    closing.defer(() => rm(folder, { recursive: true }));
    // The Redis in this process copies all pressure at each command: hours for 100,000 letters.
    const searchPath = process.env.PATH ?? '';
    const server = await startRedis({ folder, logFile: join(folder, 'redis.log'), searchPath });
    closing.defer(() => server.stop());
    cloud = await startTestCloud({ REDIS_URL: server.url });
    closing.defer(() => cloud.close());
    const { clients, names, settings } = cloud;
    buried = await openQueue(clients.sqs, names.deadLetterQueue);
    requests = await openQueue(clients.sqs, names.requestQueue);
    const redis = connectRedis(server.url, 'test', silent);
    closing.defer(() => redis.disconnect());
    pressure = openPressure(redis, names.keys, 60_000);
    desk = await openDeadLetterDesk(settings, silent);
    closing.defer(() => desk.close());
  });
  after(() => closing.disposeAsync());

  const bury = async (file: string): Promise<string> => {
    await openPhotos(cloud.clients.s3, cloud.names.inBucket).put(file, PHOTO, 'image/jpeg');
    return writeLetter(file);
  };
  const writeLetter = async (file: string, id: string = randomUUID()): Promise<string> => {
    const digest = photoDigest(PHOTO);
    const body = encodeRequest({ id, file, key: file, digest, node: 'web-1', sentAt: 1 });
    const verdict = { reason: 'It crashed:\nbadly', deliveries: 5, worker: 'i-0' };
    await openDeadLetters(buried).bury(body, verdict);
    return id;
  };

  it('are listed and shown with their reason, and stay where they are', async () => {
    const id = await bury('seen.jpg');
    const [line] = await Array.fromAsync(desk.list());
    assert.match(
      line ?? '',
      new RegExp(`^${id}  seen.jpg  20.*  5 deliveries  It crashed: badly$`),
    );
    const [shown] = await Array.fromAsync(desk.show([id]));
    const { photo, worker, request } = JSON.parse(shown ?? '{}');
    assert.deepEqual([photo, worker, request.file], ['there', 'i-0', 'seen.jpg']);
    assert.equal((await buried.depth()).visible, 1);
    await Array.fromAsync(desk.drop([id]));
    assert.deepEqual((await buried.depth()).visible, 0);
    assert.deepEqual(await Array.fromAsync(desk.list()), []);
  });

  it('go back with their pressure and the hold of their name; others stay', async () => {
    const [again, other] = [await bury('again.jpg'), await bury('other.jpg')];
    assert.deepEqual(await Array.fromAsync(desk.retry([again])), [
      `${again} again.jpg: sent again`,
    ]);
    assert.equal((await pressure.read()).count, 1);
    assert.equal(await pressure.begin(randomUUID(), 'again.jpg'), false, 'its name is held');
    const [message] = await requests.receive({ most: 10, waitSeconds: 1 });
    assert.equal(decodeRequest(message?.body ?? '').id, again);
    assert.equal(message?.deliveries, 1);
    assert.deepEqual(await Array.fromAsync(desk.drop('all')), [`${other} other.jpg: dropped`]);
  });

  it('that nobody can read are shown as they are, and are never sent again', async () => {
    await buried.send('{"not":"ours"}');
    const [line] = await Array.fromAsync(desk.retry('all'));
    assert.match(line ?? '', /: it cannot be read$/);
    const [shown] = await Array.fromAsync(desk.show('all'));
    assert.equal(JSON.parse(shown ?? '{}').request, '{"not":"ours"}');
    assert.match(JSON.parse(shown ?? '{}').reason, /^SQS moved it here/);
    assert.equal((await Array.fromAsync(desk.drop('all'))).length, 1);
  });

  it('of which there are hundreds are each listed once and sent again once, though work is slow', async (t) => {
    const files = Array.from({ length: LETTERS }, (_, at) => `many_${at}.jpg`);
    const limit = pLimit(100);
    const [id] = await Promise.all(files.map((file) => limit(writeLetter, file)));
    // As after a send whose answer was lost.
    await writeLetter('many_0.jpg', id);
    const written = (await buried.depth()).visible;
    assert.ok(written > LETTERS);
    const begun = performance.now();
    const listed = await Array.fromAsync(desk.list());
    assert.equal(new Set(listed).size, LETTERS);
    assert.equal(listed.length, LETTERS);
    assert.equal((await buried.depth()).visible, written, 'all are back');
    const listedAt = performance.now();
    let sent = 0;
    for await (const line of desk.retry('all')) {
      sent += 1;
      assert.match(line, /: sent again$/);
      // One of those that were sent again fails meanwhile: it is for the next look.
      if (sent === 200) await bury('again_a_letter.jpg');
    }
    const [listing, retrying] = [listedAt - begun, performance.now() - listedAt];
    t.diagnostic(
      `${LETTERS} listed in ${listing.toFixed(0)} ms, sent again in ${retrying.toFixed(0)} ms`,
    );
    assert.equal(sent, LETTERS);
    assert.equal((await requests.depth()).visible, LETTERS);
    assert.equal((await Array.fromAsync(desk.drop('all'))).length, 1);
    await requests.purge();
  });

  it('that are not there are named, and nothing chosen is an error', async () => {
    await assert.rejects(Array.fromAsync(desk.drop(['nobody'])), /No dead letter nobody/);
    await assert.rejects(Array.fromAsync(desk.retry([])), /Name the ids/);
  });
});
