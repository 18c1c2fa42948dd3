import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { enrolmentSchema } from '../../people/api.ts';
import { keyHash, makeKey } from '../keys.ts';
import { openPeopleFixture, type PeopleFixture } from './people.fixture.ts';

describe('who may ask about people', { timeout: 120_000 }, () => {
  const key = makeKey();
  let stage: PeopleFixture;
  before(async () => {
    stage = await openPeopleFixture({
      API_KEYS: `alice:${keyHash(key)}`,
      RATE_PER_MINUTE: '3',
    });
  });
  after(() => stage.close());

  const id = randomUUID();
  const calls: [string, string][] = [
    ['GET', 'v1/people'],
    ['POST', 'v1/people'],
    ['GET', 'v1/people/export'],
    ['POST', 'v1/people/import'],
    ['GET', `v1/people/${id}`],
    ['PATCH', `v1/people/${id}`],
    ['DELETE', `v1/people/${id}`],
    ['POST', `v1/people/${id}/faces`],
    ['DELETE', `v1/people/${id}/faces/${id}`],
    ['POST', `v1/people/${id}/merge`],
    ['POST', `v1/recognitions/${id}/correct`],
    ['POST', 'v1/verifications'],
    ['POST', 'v1/embeddings'],
    ['POST', 'v1/detections'],
    ['POST', 'v1/searches'],
    ['GET', 'v1/gallery'],
    ['GET', 'v1/gallery/versions'],
    ['POST', 'v1/gallery/rollback'],
    ['GET', `v1/receipts/${id}`],
    ['GET', 'v1/receipts/key'],
  ];

  it('nobody without a key', async () => {
    for (const [method, path] of calls) {
      const { status, body, headers } = await stage.json(method, path);
      assert.deepEqual([status, body.type], [401, '/problems/no-key'], `${method} ${path}`);
      assert.ok(headers.get('x-request-id'));
    }
  });

  it('every path answers OPTIONS and refuses other methods', async () => {
    for (const [, path] of calls) {
      const options = await fetch(stage.url(path), { method: 'OPTIONS' });
      assert.equal(options.status, 204, path);
      const other = await fetch(stage.url(path), { method: 'PUT' });
      assert.deepEqual(
        [other.status, other.headers.get('allow')],
        [405, options.headers.get('allow')],
      );
    }
  });

  it('photos of people count for the rate limit of a key, reading does not', async () => {
    const headers = { Authorization: `Bearer ${key}` };
    const enrolled = await stage.enrol('Ada', {}, undefined, headers);
    enrolmentSchema.parse(JSON.parse(enrolled.text));
    for (let call = 0; call < 5; call++) {
      assert.equal((await fetch(stage.url('v1/people'), { headers })).status, 200);
    }
    const statuses: number[] = [];
    for (const name of ['Bob', 'Eve', 'Mallory']) {
      statuses.push((await stage.enrol(name, {}, undefined, headers)).status);
    }
    assert.deepEqual(statuses, [201, 201, 429]);
  });

  it('metrics tell routes, not people', async () => {
    const text = await (await fetch(stage.url('metrics'))).text();
    assert.match(
      text,
      /elastic_face_people_requests_total\{route="POST \/v1\/people",status="201"\} 3/,
    );
    assert.match(text, /route="GET \/v1\/people\/\{id\}",status="401"/);
    assert.match(text, /^elastic_face_gallery_version 3$/m);
    assert.equal(text.includes(id), false);
  });
});
