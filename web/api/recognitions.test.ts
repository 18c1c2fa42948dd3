import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import {
  decodeRequest,
  encodeReply,
  KEPT,
  type Match,
  type ReplyMessage,
  type RequestMessage,
} from '../../cloud/messages.ts';
import { openQueue, type Queue } from '../../cloud/queues.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { type Answer, formBody, type Part, plainPhoto, post } from '../../test/form.fixture.ts';
import { keyHash, makeKey } from '../keys.ts';
import { startWeb, type WebService } from '../service.ts';
import { MOST_PHOTOS, type Recognition, recognitionSchema } from './schemas.ts';

const match = (name: string): Match => ({
  name,
  distance: 0.5,
  box: [1, 2, 3, 4],
  probability: 0.99,
  landmarks: [
    [1, 1],
    [2, 1],
    [1.5, 2],
    [1, 3],
    [2, 3],
  ],
  nearest: [{ name, distance: 0.5 }],
  known: true,
  width: 48,
  height: 48,
});

describe('recognitions on real queues, buckets and Redis', { timeout: 90_000 }, () => {
  let cloud: TestCloud;
  let web: WebService;
  let requests: Queue;
  let replies: Queue;
  let photo: Buffer;
  const url = (path = 'v1/recognitions', node = web) => `http://127.0.0.1:${node.port}/${path}`;
  before(async () => {
    photo = await plainPhoto();
    cloud = await startTestCloud({ MAX_UPLOAD_MB: 1 });
    web = await start();
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
    replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
  });
  after(async () => {
    await web.stop();
    await cloud.close();
  });

  async function start(overrides: Partial<TestCloud['settings']> = {}): Promise<WebService> {
    const node = await startWeb({ ...cloud.settings, ...overrides }, silent);
    await until('the node to be ready', async () => (await fetch(url('readyz', node))).ok);
    return node;
  }
  const form = (...names: string[]): Buffer =>
    formBody(names.map((fileName): Part => ({ fileName, bytes: photo })));
  const parsed = ({ text }: Answer): Recognition => recognitionSchema.parse(JSON.parse(text));
  /** Plays the worker for so many requests. */
  async function takeRequests(count: number): Promise<RequestMessage[]> {
    const taken: RequestMessage[] = [];
    while (taken.length < count) {
      const messages = await requests.receive({ most: 10, waitSeconds: 10 });
      assert.ok(messages.length > 0, 'a request came');
      for (const { body, receipt } of messages) {
        taken.push(decodeRequest(body));
        await requests.delete(receipt);
      }
    }
    return taken;
  }
  const reply = (to: RequestMessage, outcome: ReplyMessage['outcome']): Promise<void> =>
    replies.send(
      encodeReply({
        id: to.id,
        file: to.file,
        node: to.node,
        outcome,
        timings: { embed: 3 },
        instance: 'i-1',
      }),
    );

  it('each photo has its result or its problem, in the order of the form', async () => {
    const body = formBody([
      { fileName: 'a.jpg', bytes: photo },
      { fileName: 'wall.jpg', bytes: photo },
      { fileName: 'text.jpg', bytes: 'text' },
      { fileName: 'b.jpg', bytes: photo },
    ]);
    const answer = post(url(), body);
    for (const taken of (await takeRequests(3)).reverse()) {
      await reply(
        taken,
        taken.file === 'wall.jpg'
          ? { refusal: { reason: 'no-face', message: 'No face.' } }
          : { match: match(taken.file) },
      );
    }
    const { status, headers } = await answer;
    assert.equal(status, 200);
    const { id, photos, ...rest } = parsed(await answer);
    assert.equal(rest.status, 'done');
    assert.equal(headers['x-request-id'], id);
    assert.equal(photos[0]?.id, id);
    const told = photos.map((one) => [
      one.file,
      one.status,
      one.status === 'done' && one.match.name,
      one.status === 'failed' && one.problem.type,
    ]);
    assert.deepEqual(told, [
      ['a.jpg', 'done', 'a.jpg', false],
      ['wall.jpg', 'failed', false, '/problems/no-face'],
      ['text.jpg', 'failed', false, '/problems/not-an-image'],
      ['b.jpg', 'done', 'b.jpg', false],
    ]);
    assert.deepEqual(photos[0]?.status === 'done' && [photos[0].timings, photos[0].instance], [
      { embed: 3 },
      'i-1',
    ]);
  });

  it('options go to the worker from the query and the form; the text of the contract asks nothing', async () => {
    const parts: Part[] = [
      { fileName: 'a.jpg', bytes: photo },
      { field: 'faces', bytes: 'all' },
      { field: 'top', bytes: '9' },
    ];
    const asked = async (to: string): Promise<Partial<RequestMessage>> => {
      const answer = post(to, formBody(parts));
      const [taken] = await takeRequests(1);
      await reply(taken as RequestMessage, { match: match('Paul') });
      assert.equal((await answer).status, 200);
      const { faces, top, known } = taken as RequestMessage;
      return { faces, top, known };
    };
    assert.deepEqual(await asked(url()), { faces: 'all', top: 9, known: true });
    assert.deepEqual(await asked(url('v1/recognitions?top=2')), {
      faces: 'all',
      top: 2,
      known: true,
    });
    assert.deepEqual(await asked(url('')), { faces: undefined, top: undefined, known: undefined });
  });

  it('what cannot be taken is refused with a problem before any photo is stored', async () => {
    const many = Array.from({ length: MOST_PHOTOS + 1 }, (_, i) => `${i}.jpg`);
    const refused = async (answer: Promise<Answer>): Promise<unknown[]> => {
      const { status, text, headers } = await answer;
      assert.match(String(headers['content-type']), /^application\/problem\+json/);
      const { type, instance } = JSON.parse(text);
      assert.equal(instance, `urn:uuid:${headers['x-request-id']}`);
      return [status, type];
    };
    const wrong = (path: string) => refused(post(url(path), form('a.jpg')));
    assert.deepEqual(await wrong('v1/recognitions?top=11'), [400, '/problems/bad-option']);
    assert.deepEqual(await wrong('v1/recognitions?faces=most'), [400, '/problems/bad-option']);
    assert.deepEqual(await wrong('v1/recognitions?tops=1'), [400, '/problems/bad-option']);
    assert.deepEqual(await refused(post(url(), form(...many))), [400, '/problems/too-many-files']);
    assert.deepEqual(await refused(post(url(), Buffer.alloc(0))), [400, '/problems/broken-form']);
    const chunked = await fetch(url(), {
      method: 'POST',
      body: new Blob([form('a.jpg') as Uint8Array<ArrayBuffer>]).stream(),
      duplex: 'half',
      headers: { 'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary' },
    } as RequestInit);
    assert.equal(chunked.status, 411);
    const other = await fetch(url(), { method: 'DELETE' });
    assert.deepEqual([other.status, other.headers.get('allow')], [405, 'POST']);
    assert.equal((await requests.depth()).visible, 0);
  });

  it('an answer for later is told by another node when the one that took the photo is gone', async () => {
    const taker = await start();
    const body = form('later.jpg', 'wall.jpg');
    const { status, headers, text } = await post(url(undefined, taker), body, {
      headers: { Prefer: 'respond-async' },
    });
    const { id } = JSON.parse(text);
    assert.deepEqual([status, headers.location], [202, `/v1/recognitions/${id}`]);
    assert.equal(headers['preference-applied'], 'respond-async');
    await taker.stop();
    const told = async (query = ''): Promise<Recognition> =>
      recognitionSchema.parse(await (await fetch(url(`v1/recognitions/${id}${query}`))).json());
    assert.equal((await told()).status, 'pending');
    const taken = await takeRequests(2);
    assert.deepEqual([...new Set(taken.map(({ node }) => node))], [KEPT]);
    const waiting = told('?wait=30');
    for (const one of taken) {
      await reply(
        one,
        one.file === 'wall.jpg'
          ? { refusal: { reason: 'no-face', message: 'No face.' } }
          : { match: match('Paul') },
      );
    }
    const { photos, ...rest } = await until('both answers', async () => {
      const now = await told('?wait=30');
      return now.status === 'done' && now;
    });
    assert.deepEqual(rest, { id, status: 'done' });
    assert.deepEqual(
      photos.map((one) => (one.status === 'done' ? one.match.name : one.status)),
      ['Paul', 'failed'],
    );
    assert.equal((await waiting).status, 'done');
    await until('the replies to be off the queue', async () => {
      const { visible, inFlight } = await replies.depth();
      return visible + inFlight === 0;
    });
  });

  it('a photo for later without an answer in time has failed; an unknown id is a 404', async () => {
    const hasty = await start({ REQUEST_SECONDS: 0.2 });
    const { text } = await post(url(undefined, hasty), form('slow.jpg'), {
      headers: { Prefer: 'wait=1, respond-async' },
    });
    const answer = await until('it to be late', async () => {
      const got = await fetch(url(`v1/recognitions/${JSON.parse(text).id}`, hasty));
      const now = recognitionSchema.parse(await got.json());
      return now.status === 'failed' && now.photos[0];
    });
    assert.equal(answer.status === 'failed' && answer.problem.type, '/problems/too-slow');
    await takeRequests(1);
    await hasty.stop();
    for (const id of [randomUUID(), 'none']) {
      const unknown = await fetch(url(`v1/recognitions/${id}`));
      assert.equal(unknown.status, 404);
      assert.match(await unknown.text(), /^\{"type":"\/problems\/unknown-id"/);
    }
  });

  it('a client’s own request id is taken once', async () => {
    const own = randomUUID();
    const send = async (proposed: string): Promise<string> => {
      const answer = post(url(''), form('a.jpg'), { headers: { 'X-Request-Id': proposed } });
      const [taken] = await takeRequests(1);
      await reply(taken as RequestMessage, { match: match('Paul') });
      const { headers } = await answer;
      assert.equal(headers['x-request-id'], taken?.id);
      return String(taken?.id);
    };
    assert.equal(await send(own.toUpperCase()), own);
    const others = [await send(own), await send('not a uuid'), await send('')];
    assert.equal(new Set([own, ...others]).size, 4);
  });

  it('a client that goes away frees the waiters of all its photos', async () => {
    const client = request(url(), {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary' },
    });
    client.on('error', () => {});
    const body = form('a.jpg', 'b.jpg', 'c.jpg');
    client.setHeader('Content-Length', body.length);
    client.end(body);
    await takeRequests(3);
    const waiters = async (count: number): Promise<boolean> =>
      new RegExp(`^elastic_face_waiters ${count}$`, 'm').test(
        await (await fetch(url('metrics'))).text(),
      );
    await until('three to wait', () => waiters(3));
    client.destroy();
    await until('nobody to wait', () => waiters(0));
  });

  it('each photo of a request counts against its key, and its result is for that key alone', async () => {
    const [alice, bob] = [makeKey(), makeKey()];
    const node = await start({
      API_KEYS: `alice:${keyHash(alice)},bob:${keyHash(bob)}`,
      RATE_PER_MINUTE: 3,
    });
    const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });
    const send = (key: string, ...names: string[]) =>
      post(url(undefined, node), form(...names), {
        headers: { ...bearer(key), Prefer: 'respond-async' },
      });
    assert.equal((await post(url(undefined, node), form('a.jpg'))).status, 401);
    const { text } = await send(alice, 'a.jpg', 'b.jpg');
    const many = await send(alice, 'c.jpg', 'd.jpg');
    assert.equal(many.status, 429);
    assert.ok(Number(many.headers['retry-after']) > 0);
    assert.equal((await send(bob, 'e.jpg')).status, 202);
    const status = async (headers: Record<string, string>): Promise<number> => {
      const path = `v1/recognitions/${JSON.parse(text).id}`;
      return (await fetch(url(path, node), { headers })).status;
    };
    assert.deepEqual(
      [await status(bearer(alice)), await status(bearer(bob)), await status({})],
      [200, 404, 401],
    );
    await takeRequests(3);
    await node.stop();
  });
});
