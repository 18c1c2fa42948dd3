import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { openPhotos } from '../cloud/aws/s3/objects.ts';
import { openQueue, type Queue } from '../cloud/aws/sqs/queues.ts';
import {
  decodeRequest,
  encodeReply,
  type ReplyMessage,
  type RequestMessage,
} from '../cloud/contract/messages.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openPressure } from '../cloud/redis/pressure.ts';
import { silent, startTestCloud, type TestCloud } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { formBody, plainPhoto, postPhoto } from '../test/form.fixture.ts';
import { match } from './api/api.fixture.ts';
import { startWeb, type WebService } from './service.ts';

describe('the web tier on real queues, buckets and Redis', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let web: WebService;
  let requests: Queue;
  let replies: Queue;
  const url = (service = web): string => `http://127.0.0.1:${service.port}/`;
  before(async () => {
    cloud = await startTestCloud({ MAX_UPLOAD_MB: 1 });
    web = await startWeb(cloud.settings, silent);
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
    replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
    await until('the web tier to be ready', async () => (await fetch(`${url()}readyz`)).ok);
  });
  after(async () => {
    await web.stop();
    await cloud.close();
  });

  /** Plays the worker for one request. */
  async function takeRequest(): Promise<RequestMessage> {
    const [message] = await requests.receive({ most: 1, waitSeconds: 10 });
    assert.ok(message, 'a request came');
    await requests.delete(message.receipt);
    assert.ok(Buffer.byteLength(message.body) <= 1024);
    return decodeRequest(message.body);
  }
  const reply = (to: RequestMessage, outcome: ReplyMessage['outcome']): Promise<void> =>
    replies.send(encodeReply({ id: to.id, file: to.file, node: to.node, outcome }));
  const queueEmpty = (queue: Queue, limitMs?: number) =>
    until(
      `${queue.name} to be empty`,
      async () => {
        const { visible, inFlight } = await queue.depth();
        return visible + inFlight === 0;
      },
      { limitMs },
    );

  it('a photo goes to the bucket under its name, and the reply comes back as stem:name', async () => {
    const photo = await plainPhoto();
    const answer = postPhoto(url(), 'test_00.jpg', photo);
    const taken = await takeRequest();
    assert.equal(taken.key, 'test_00.jpg');
    const stored = await openPhotos(cloud.clients.s3, cloud.names.inBucket).get('test_00.jpg');
    assert.deepEqual(Buffer.from(stored ?? []), photo);
    await reply(taken, { match: match('Paul') });
    const { status, text, headers } = await answer;
    assert.deepEqual([status, text], [200, 'test_00:Paul']);
    assert.match(headers['content-type'] as string, /^text\/plain/);
    assert.equal(headers['x-request-id'], taken.id);
    await queueEmpty(replies);
  });

  it('who asks for JSON gets box, landmarks, probability and the nearest names', async () => {
    const answer = postPhoto(url(), 'a.jpg', await plainPhoto(), { Accept: 'application/json' });
    await reply(await takeRequest(), { match: match('Paul') });
    assert.deepEqual(JSON.parse((await answer).text), { file: 'a.jpg', ...match('Paul') });
  });

  it('a refusal by the worker is a 422 with its sentence, and no made-up name', async () => {
    const answer = postPhoto(url(), 'wall.jpg', await plainPhoto());
    await reply(await takeRequest(), {
      refusal: { reason: 'no-face', message: 'No face was found in the photo.' },
    });
    assert.deepEqual(await answer.then(({ status, text }) => [status, text]), [
      422,
      'No face was found in the photo.',
    ]);
  });

  it('two uploads of one name at once each get the answer for their own bytes', async () => {
    const photos = openPhotos(cloud.clients.s3, cloud.names.inBucket);
    const shades = [10, 200];
    const bytes = await Promise.all(shades.map((shade) => plainPhoto(shade)));
    const answers = bytes.map((one) => postPhoto(url(), 'same.jpg', one));
    const taken = [await takeRequest(), await takeRequest()];
    assert.equal(new Set(taken.map(({ key }) => key)).size, 2, 'each has a key of its own');
    assert.ok(taken.some(({ key }) => key === 'same.jpg'));
    for (const one of taken) {
      const stored = Buffer.from((await photos.get(one.key)) ?? []);
      const shade = shades[bytes.findIndex((photo) => photo.equals(stored))];
      await reply(one, { match: match(`Shade${shade}`) });
    }
    assert.deepEqual(
      (await Promise.all(answers)).map(({ text }) => text),
      ['same:Shade10', 'same:Shade200'],
    );
  });

  it('counts each request as pressure until it is finished', async () => {
    const redis = connectRedis(cloud.settings.REDIS_URL ?? '', 'test', silent);
    const pressure = openPressure(redis, cloud.names.keys, 60_000);
    const before = (await pressure.read()).count;
    const answer = postPhoto(url(), 'pressed.jpg', await plainPhoto());
    const taken = await takeRequest();
    assert.equal((await pressure.read()).count, before + 1);
    await pressure.finish(taken.id, taken.file);
    assert.equal((await pressure.read()).count, before);
    await reply(taken, { match: match('Paul') });
    await answer;
    redis.disconnect();
  });

  it('a client that goes away frees its waiter, and its late reply is taken off the queue', async () => {
    const body = formBody([{ fileName: 'left.jpg', bytes: await plainPhoto() }]);
    const client = request(url(), {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary' },
    });
    client.on('error', () => {});
    client.end(body);
    const taken = await takeRequest();
    client.destroy();
    await until('the waiter to be freed', async () =>
      /^elastic_face_waiters 0$/m.test(await (await fetch(`${url()}metrics`)).text()),
    );
    await reply(taken, { match: match('Paul') });
    await queueEmpty(replies);
  });

  it('a reply that another web node drains still reaches its client', async (t) => {
    const second = await startWeb(cloud.settings, silent);
    t.after(() => second.stop());
    await until(
      'the second node to be ready',
      async () => (await fetch(`${url(second)}readyz`)).ok,
    );
    const answers = Array.from({ length: 20 }, async (_, i) =>
      postPhoto(url(i % 2 === 0 ? web : second), `node_${i}.jpg`, await plainPhoto()),
    );
    for (let i = 0; i < 20; i++) await reply(await takeRequest(), { match: match('Paul') });
    for (const [i, answer] of (await Promise.all(answers)).entries()) {
      assert.deepEqual([answer.status, answer.text], [200, `node_${i}:Paul`]);
    }
    const measured = await (await fetch(`${url(second)}metrics`)).text();
    assert.match(measured, /^elastic_face_replies_total\{outcome="match"\} 10$/m);
  });

  it('what nobody can read is taken off the reply queue and disturbs nobody', async () => {
    await replies.send('not a reply');
    await queueEmpty(replies);
    const answer = postPhoto(url(), 'after.jpg', await plainPhoto());
    await reply(await takeRequest(), { match: match('Paul') });
    assert.equal((await answer).status, 200);
  });

  it('a stop answers what is in flight and takes nothing new', async () => {
    const leaving = await startWeb(cloud.settings, silent);
    await until('the node to be ready', async () => (await fetch(`${url(leaving)}readyz`)).ok);
    const answer = postPhoto(url(leaving), 'last.jpg', await plainPhoto());
    const taken = await takeRequest();
    const stopped = leaving.stop();
    await assert.rejects(postPhoto(url(leaving), 'new.jpg', await plainPhoto()), /ECONNREFUSED/);
    await reply(taken, { match: match('Paul') });
    assert.equal((await answer).text, 'last:Paul');
    await stopped;
  });

  it('a stopping node refuses what has no answer in time with 503, and says how many', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const hasty = await startWeb({ ...cloud.settings, STOP_SECONDS: 0.1 }, log);
    const photo = await plainPhoto();
    const answers = ['x.jpg', 'y.jpg', 'z.jpg'].map((name) => postPhoto(url(hasty), name, photo));
    const taken = [await takeRequest(), await takeRequest(), await takeRequest()];
    await hasty.stop();
    for (const { status, text, headers } of await Promise.all(answers)) {
      assert.deepEqual([status, headers['retry-after']], [503, '1']);
      assert.match(text, /shutting down: send the photo again/);
    }
    assert.ok(lines.some((line) => JSON.parse(line).count === 3 && /Stopping/.test(line)));
    for (const one of taken) await reply(one, { match: match('Paul') });
    // The other node passes them on for half a minute.
    await queueEmpty(replies, 60_000);
  });

  it('a request without an answer within the limit gets 504', async (t) => {
    const hasty = await startWeb({ ...cloud.settings, REQUEST_SECONDS: 0.2 }, silent);
    t.after(() => hasty.stop());
    const { status, text } = await postPhoto(url(hasty), 'slow.jpg', await plainPhoto());
    assert.equal(status, 504);
    assert.match(text, /No answer came within 0.2 s/);
    await takeRequest();
  });
});

describe('the web tier when the cloud fails', { timeout: 60_000 }, () => {
  it('a photo that cannot be stored gets 503 and leaves no pressure behind', async () => {
    const cloud = await startTestCloud();
    const web = await startWeb(cloud.settings, silent);
    const { DeleteBucketCommand } = await import('@aws-sdk/client-s3');
    await cloud.clients.s3.send(new DeleteBucketCommand({ Bucket: cloud.names.inBucket }));
    const answer = await postPhoto(`http://127.0.0.1:${web.port}/`, 'a.jpg', await plainPhoto());
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '1');
    assert.match(answer.text, /send it again/);
    const redis = connectRedis(cloud.settings.REDIS_URL ?? '', 'test', silent);
    assert.equal((await openPressure(redis, cloud.names.keys, 1000).read()).count, 0);
    redis.disconnect();
    await web.stop();
    await cloud.close();
  });

  it('says which setting is missing', async () => {
    const cloud = await startTestCloud();
    await assert.rejects(
      startWeb({ ...cloud.settings, REDIS_URL: undefined }, silent),
      /REDIS_URL/,
    );
    await cloud.close();
  });
});
