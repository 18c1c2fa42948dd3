import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { KEPT } from '../../cloud/contract/messages.ts';
import { until } from '../../test/condition.fixture.ts';
import { post } from '../../test/form.fixture.ts';
import { keyHash, makeKey } from '../keys.ts';
import { type ApiFixture, match, openApiFixture, parsed } from './api.fixture.ts';
import { type Recognition, recognitionSchema } from './schemas.ts';

describe('answers for later', { timeout: 90_000 }, () => {
  let stage: ApiFixture;
  before(async () => {
    stage = await openApiFixture();
  });
  after(() => stage.close());

  it('an answer for later is told by another node when the one that took the photo is gone', async () => {
    const taker = await stage.start();
    const body = stage.form('later.jpg', 'wall.jpg');
    const { status, headers, text } = await post(stage.url(undefined, taker), body, {
      headers: { Prefer: 'respond-async' },
    });
    const { id } = JSON.parse(text);
    assert.deepEqual([status, headers.location], [202, `/v1/recognitions/${id}`]);
    assert.equal(headers['preference-applied'], 'respond-async');
    await taker.stop();
    const told = async (query = ''): Promise<Recognition> =>
      recognitionSchema.parse(
        await (await fetch(stage.url(`v1/recognitions/${id}${query}`))).json(),
      );
    assert.equal((await told()).status, 'pending');
    const taken = await stage.takeRequests(2);
    assert.deepEqual([...new Set(taken.map(({ node }) => node))], [KEPT]);
    const waiting = told('?wait=30');
    for (const one of taken) {
      await stage.reply(
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
      const { visible, inFlight } = await stage.replies.depth();
      return visible + inFlight === 0;
    });
  });

  it('a refusal that comes after a match does not take its place', async () => {
    const { text } = await post(stage.url(), stage.form('twice.jpg'), {
      headers: { Prefer: 'respond-async' },
    });
    const { id } = parsed({ text });
    const told = async () => {
      const { photos } = parsed({
        text: await (await fetch(stage.url(`v1/recognitions/${id}`))).text(),
      });
      const [photo] = photos;
      return photo?.status === 'done' ? photo.match.name : photo?.status;
    };
    const [taken] = await stage.takeRequests(1);
    const failed = { refusal: { reason: 'failed', message: 'Not this time.' } } as const;
    const said: unknown[] = [];
    // A dead letter that is retried may still end well; its copy, delivered late, may not find its photo.
    for (const outcome of [failed, { match: match('Paul') }, failed]) {
      await stage.reply(taken!, outcome);
      await until('the reply to be kept', async () => {
        const { visible, inFlight } = await stage.replies.depth();
        return visible + inFlight === 0;
      });
      said.push(await told());
    }
    assert.deepEqual(said, ['failed', 'Paul', 'Paul']);
  });

  it('the id of a kept answer, or of a photo in it, is nobody else’s', async () => {
    const node = await stage.start();
    const send = async (proposed?: string) => {
      const { headers, text } = await post(
        stage.url(undefined, node),
        stage.form('a.jpg', 'b.jpg'),
        {
          headers: { Prefer: 'respond-async', ...(proposed && { 'X-Request-Id': proposed }) },
        },
      );
      const [, second] = await stage.takeRequests(2);
      assert.equal(JSON.parse(text).id, headers['x-request-id']);
      return [String(headers['x-request-id']), second?.id ?? ''] as const;
    };
    const [first, further] = await send();
    const [again] = await send(first);
    const [other] = await send(further);
    assert.equal(new Set([first, further, again, other]).size, 4);
    await node.stop();
  });

  it('a photo for later without an answer in time has failed; an unknown id is a 404', async () => {
    const hasty = await stage.start({ REQUEST_SECONDS: 0.2 });
    const { text } = await post(stage.url(undefined, hasty), stage.form('slow.jpg'), {
      headers: { Prefer: 'wait=1, respond-async' },
    });
    const answer = await until('it to be late', async () => {
      const got = await fetch(stage.url(`v1/recognitions/${JSON.parse(text).id}`, hasty));
      const now = recognitionSchema.parse(await got.json());
      return now.status === 'failed' && now.photos[0];
    });
    assert.equal(answer.status === 'failed' && answer.problem.type, '/problems/too-slow');
    await stage.takeRequests(1);
    await hasty.stop();
    for (const id of [randomUUID(), 'none']) {
      const unknown = await fetch(stage.url(`v1/recognitions/${id}`));
      assert.equal(unknown.status, 404);
      assert.match(await unknown.text(), /^\{"type":"\/problems\/unknown-id"/);
    }
  });

  it('each photo of a request counts against its key, and its result is for that key alone', async () => {
    const [alice, bob] = [makeKey(), makeKey()];
    const node = await stage.start({
      API_KEYS: `alice:${keyHash(alice)},bob:${keyHash(bob)}`,
      RATE_PER_MINUTE: 3,
    });
    const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });
    const send = (key: string, ...names: string[]) =>
      post(stage.url(undefined, node), stage.form(...names), {
        headers: { ...bearer(key), Prefer: 'respond-async' },
      });
    assert.equal((await post(stage.url(undefined, node), stage.form('a.jpg'))).status, 401);
    const { text } = await send(alice, 'a.jpg', 'b.jpg');
    const many = await send(alice, 'c.jpg', 'd.jpg');
    assert.equal(many.status, 429);
    assert.ok(Number(many.headers['retry-after']) > 0);
    assert.equal((await send(bob, 'e.jpg')).status, 202);
    const status = async (headers: Record<string, string>): Promise<number> => {
      const path = `v1/recognitions/${JSON.parse(text).id}`;
      return (await fetch(stage.url(path, node), { headers })).status;
    };
    assert.deepEqual(
      [await status(bearer(alice)), await status(bearer(bob)), await status({})],
      [200, 404, 401],
    );
    await stage.takeRequests(3);
    await node.stop();
  });
});
