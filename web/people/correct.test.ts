import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openResults } from '../../cloud/aws/s3/objects.ts';
import type { Match } from '../../cloud/contract/match.ts';
import { KEPT, photoDigest } from '../../cloud/contract/messages.ts';
import { openRecognitions } from '../../cloud/redis/recognitions.ts';
import { enrolmentSchema } from '../../people/api.ts';
import { match } from '../api/api.fixture.ts';
import { openPeopleFixture, type PeopleFixture, workFace } from './people.fixture.ts';

describe('answers that are corrected', { timeout: 120_000 }, () => {
  let stage: PeopleFixture;
  let ada: string;
  before(async () => {
    stage = await openPeopleFixture();
    ada = enrolmentSchema.parse(JSON.parse((await stage.enrol('Ada')).text)).person.id;
  });
  after(() => stage.close());
  beforeEach(() => stage.answer(() => ({})));

  const box: Match['box'] = [10, 10, 40, 40];
  const digest = photoDigest(Buffer.from('photo'));
  const kept = async (): Promise<string> => {
    const recognitions = openRecognitions(stage.redis, stage.cloud.names.keys, 600_000);
    const id = randomUUID();
    const other = { ...match('Eve'), box: [0, 0, 5, 5] as Match['box'] };
    const found = { ...match('Bob'), box };
    await recognitions.write(id, { photos: [{ id, file: 'a.jpg', digest }] });
    const outcome = { match: { ...found, faces: [found, other] } };
    await recognitions.keep({ id, file: 'a.jpg', node: KEPT, outcome });
    return id;
  };
  const correct = (id: string, body: object) =>
    stage.json('POST', `v1/recognitions/${id}/correct`, body);

  it('"this is Ada" enrols that face from the stored photo, and the kept answer says so', async () => {
    const id = await kept();
    for (const who of [{ person: ada }, { name: 'Ada' }]) {
      const { status, body } = await correct(id, who);
      assert.equal(status, 201);
      // The same face again is no second face.
      assert.deepEqual([body.person.id, body.person.faces.length, body.added.length], [ada, 2, 1]);
    }
    assert.deepEqual(stage.worked.at(-1)?.kept, { key: 'a.jpg', digest });
    const { body } = await stage.json('GET', `v1/recognitions/${id}`);
    const [largest, other] = body.photos[0].match.faces;
    assert.deepEqual([largest.name, largest.person, largest.known], ['Ada', ada, true]);
    assert.equal(body.photos[0].match.name, 'Ada');
    assert.equal(other.name, 'Eve');
  });

  it('the face may be named by its box, and is found again by it', async () => {
    const id = await kept();
    const near = [1, 0, 5, 5];
    stage.answer(() => ({
      photos: [{ width: 48, height: 48, faces: [workFace(0), workFace(1, { box: [0, 0, 5, 5] })] }],
    }));
    const { status, body } = await correct(id, { face: near, name: 'New', create: true });
    assert.deepEqual([status, body.person.name], [201, 'New']);
    stage.answer(() => ({ photos: [{ width: 48, height: 48, faces: [workFace(0)] }] }));
    assert.equal((await correct(id, { face: 1, name: 'Ada' })).body.type, '/problems/no-face');
    assert.equal((await correct(id, { face: 7, name: 'Ada' })).body.type, '/problems/unknown-face');
  });

  it('"nobody we know" takes back what the answer and an earlier correction said', async () => {
    const id = await kept();
    const { body: before } = await stage.json('GET', `v1/people/${ada}`);
    await correct(id, { person: ada });
    const { status, body } = await correct(id, { nobody: true });
    assert.deepEqual([status, body.mistaken.name], [200, 'Ada']);
    const { body: answer } = await stage.json('GET', `v1/recognitions/${id}`);
    assert.equal(answer.photos[0].match.known, false);
    assert.deepEqual((await stage.json('GET', `v1/people/${ada}`)).body, before);
  });

  it('an answer that was given at once is found by its file', async () => {
    const requestId = randomUUID();
    const { clients, names } = stage.cloud;
    const results = openResults(clients.s3, names.outBucket);
    await results.put('now.jpg', { requestId, digest, match: { ...match('Bob'), box } });
    const { status } = await correct(requestId, { file: 'now.jpg', name: 'Ada' });
    assert.equal(status, 201);
    assert.equal((await correct(randomUUID(), { file: 'now.jpg', name: 'Ada' })).status, 404);
  });

  it('what does not say who it is, or of which answer, is refused', async () => {
    const id = await kept();
    const codes = async (of: string, body: object) => {
      const { status, body: problem } = await correct(of, body);
      return [status, problem.type];
    };
    assert.deepEqual(await codes(id, {}), [400, '/problems/bad-field']);
    assert.deepEqual(await codes(id, { name: 'Ada', nobody: true }), [400, '/problems/bad-field']);
    assert.deepEqual(await codes(id, { who: 'Ada' }), [400, '/problems/bad-field']);
    assert.deepEqual(await codes(id, { name: 'Stranger' }), [404, '/problems/unknown-person']);
    assert.deepEqual(await codes(id, { person: randomUUID() }), [404, '/problems/unknown-person']);
    assert.deepEqual(await codes(randomUUID(), { name: 'Ada' }), [404, '/problems/unknown-id']);
    const { body } = await correct(randomUUID(), { name: 'Ada' });
    assert.match(body.detail, /send its "file" too/);
    assert.deepEqual(await codes('7', { name: 'Ada' }), [404, '/problems/unknown-id']);
  });
});
