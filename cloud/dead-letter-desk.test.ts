import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { silent, startTestCloud, type TestCloud } from '../test/cloud.fixture.ts';
import { type DeadLetterDesk, openDeadLetterDesk } from './dead-letter-desk.ts';
import { openDeadLetters } from './dead-letters.ts';
import { decodeRequest, encodeRequest, photoDigest } from './messages.ts';
import { openPhotos } from './objects.ts';
import { openPressure, type Pressure } from './pressure.ts';
import { openQueue, type Queue } from './queues.ts';
import { connectRedis } from './redis.ts';

const PHOTO = Buffer.from('a photo');

describe('dead letters', () => {
  let cloud: TestCloud;
  let desk: DeadLetterDesk;
  let buried: Queue;
  let requests: Queue;
  let pressure: Pressure;
  let close: () => void;
  before(async () => {
    cloud = await startTestCloud();
    const { clients, names, settings } = cloud;
    buried = await openQueue(clients.sqs, names.deadLetterQueue);
    requests = await openQueue(clients.sqs, names.requestQueue);
    const redis = connectRedis(settings.REDIS_URL ?? '', 'test', silent);
    pressure = openPressure(redis, names.keys, 60_000);
    desk = await openDeadLetterDesk(settings, silent);
    close = () => redis.disconnect();
  });
  after(async () => {
    desk.close();
    close();
    await cloud.close();
  });

  const bury = async (file: string): Promise<string> => {
    const id = randomUUID();
    await openPhotos(cloud.clients.s3, cloud.names.inBucket).put(file, PHOTO, 'image/jpeg');
    const digest = photoDigest(PHOTO);
    const body = encodeRequest({ id, file, key: file, digest, node: 'web-1', sentAt: 1 });
    const verdict = { reason: 'It crashed:\nbadly', deliveries: 5, worker: 'i-0' };
    await openDeadLetters(buried).bury(body, verdict);
    return id;
  };

  it('are listed and shown with their reason, and stay where they are', async () => {
    const id = await bury('seen.jpg');
    const [line] = await desk.list();
    assert.match(
      line ?? '',
      new RegExp(`^${id}  seen.jpg  20.*  5 deliveries  It crashed: badly$`),
    );
    const [shown] = await desk.show([id]);
    const { photo, worker, request } = JSON.parse(shown ?? '{}');
    assert.deepEqual([photo, worker, request.file], ['there', 'i-0', 'seen.jpg']);
    assert.equal((await buried.depth()).visible, 1);
    await desk.drop([id]);
    assert.deepEqual((await buried.depth()).visible, 0);
    assert.deepEqual(await desk.list(), []);
  });

  it('go back with their pressure and the hold of their name; others stay', async () => {
    const [again, other] = [await bury('again.jpg'), await bury('other.jpg')];
    assert.deepEqual(await desk.retry([again]), [`${again} again.jpg: sent again`]);
    assert.equal((await pressure.read()).count, 1);
    assert.equal(await pressure.begin(randomUUID(), 'again.jpg', 1), false, 'its name is held');
    const [message] = await requests.receive({ most: 10, waitSeconds: 1 });
    assert.equal(decodeRequest(message?.body ?? '').id, again);
    assert.equal(message?.deliveries, 1);
    assert.deepEqual(await desk.drop('all'), [`${other} other.jpg: dropped`]);
  });

  it('that nobody can read are shown as they are, and are never sent again', async () => {
    await buried.send('{"not":"ours"}');
    const [line] = await desk.retry('all');
    assert.match(line ?? '', /: nobody can read it$/);
    const [shown] = await desk.show('all');
    assert.equal(JSON.parse(shown ?? '{}').request, '{"not":"ours"}');
    assert.match(JSON.parse(shown ?? '{}').reason, /^SQS moved it here/);
    assert.equal((await desk.drop('all')).length, 1);
  });

  it('that are not there are named, and nothing chosen is an error', async () => {
    await assert.rejects(desk.drop(['nobody']), /There is no dead letter nobody/);
    await assert.rejects(desk.retry([]), /Name the ids/);
  });
});
