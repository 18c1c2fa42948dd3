import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { RequestMessage } from '../../cloud/contract/messages.ts';
import { until } from '../../test/condition.fixture.ts';
import { type Answer, formBody, type Part, post } from '../../test/form.fixture.ts';
import { type ApiFixture, match, openApiFixture, parsed } from './api.fixture.ts';
import { MOST_PHOTOS } from './schemas.ts';

describe('several photos in one request', { timeout: 90_000 }, () => {
  let stage: ApiFixture;
  before(async () => {
    stage = await openApiFixture();
  });
  after(() => stage.close());

  it('each photo has its result or its problem, in the order of the form', async () => {
    const body = formBody([
      { fileName: 'a.jpg', bytes: stage.photo },
      { fileName: 'wall.jpg', bytes: stage.photo },
      { fileName: 'text.jpg', bytes: 'text' },
      { fileName: 'b.jpg', bytes: stage.photo },
    ]);
    const answer = post(stage.url(), body);
    for (const taken of (await stage.takeRequests(3)).reverse()) {
      await stage.reply(
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
      { fileName: 'a.jpg', bytes: stage.photo },
      { field: 'faces', bytes: 'all' },
      { field: 'top', bytes: '9' },
    ];
    const asked = async (to: string, body = formBody(parts)): Promise<Partial<RequestMessage>> => {
      const answer = post(to, body);
      const [taken] = await stage.takeRequests(1);
      await stage.reply(taken as RequestMessage, { match: match('Paul') });
      assert.equal((await answer).status, 200);
      const { faces, top, known } = taken as RequestMessage;
      return { faces, top, known };
    };
    assert.deepEqual(await asked(stage.url()), { faces: 'all', top: 9, known: true });
    assert.deepEqual(await asked(stage.url('v1/recognitions?top=2')), {
      faces: 'all',
      top: 2,
      known: true,
    });
    assert.deepEqual(await asked(stage.url(''), stage.form('a.jpg')), {
      faces: undefined,
      top: undefined,
      known: undefined,
    });
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
    const wrong = (path: string) => refused(post(stage.url(path), stage.form('a.jpg')));
    assert.deepEqual(await wrong('v1/recognitions?top=11'), [400, '/problems/bad-option']);
    assert.deepEqual(await wrong('v1/recognitions?faces=most'), [400, '/problems/bad-option']);
    assert.deepEqual(await wrong('v1/recognitions?tops=1'), [400, '/problems/bad-option']);
    assert.deepEqual(await refused(post(stage.url(), stage.form(...many))), [
      400,
      '/problems/too-many-files',
    ]);
    assert.deepEqual(await refused(post(stage.url(), Buffer.alloc(0))), [
      400,
      '/problems/broken-form',
    ]);
    const chunked = await fetch(stage.url(), {
      method: 'POST',
      body: new Blob([stage.form('a.jpg') as Uint8Array<ArrayBuffer>]).stream(),
      duplex: 'half',
      headers: { 'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary' },
    } as RequestInit);
    assert.equal(chunked.status, 411);
    const other = await fetch(stage.url(), { method: 'DELETE' });
    assert.deepEqual([other.status, other.headers.get('allow')], [405, 'POST, OPTIONS']);
    assert.equal((await stage.requests.depth()).visible, 0);
  });

  it('a client’s own request id is taken once', async () => {
    const own = randomUUID();
    const send = async (proposed: string): Promise<string> => {
      const answer = post(stage.url(''), stage.form('a.jpg'), {
        headers: { 'X-Request-Id': proposed },
      });
      const [taken] = await stage.takeRequests(1);
      await stage.reply(taken as RequestMessage, { match: match('Paul') });
      const { headers } = await answer;
      assert.equal(headers['x-request-id'], taken?.id);
      return String(taken?.id);
    };
    assert.equal(await send(own.toUpperCase()), own);
    const others = [await send(own), await send('not a uuid'), await send('')];
    assert.equal(new Set([own, ...others]).size, 4);
  });

  it('a client that goes away frees the waiters of all its photos', async () => {
    const client = request(stage.url(), {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary' },
    });
    client.on('error', () => {});
    const body = stage.form('a.jpg', 'b.jpg', 'c.jpg');
    client.setHeader('Content-Length', body.length);
    client.end(body);
    await stage.takeRequests(3);
    const waiters = async (count: number): Promise<boolean> =>
      new RegExp(`^elastic_face_waiters ${count}$`, 'm').test(
        await (await fetch(stage.url('metrics'))).text(),
      );
    await until('three to wait', () => waiters(3));
    client.destroy();
    await until('nobody to wait', () => waiters(0));
  });
});
