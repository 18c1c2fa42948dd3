import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { z } from 'zod';
import { enrolmentSchema } from '../../people/api.ts';
import { type Answer, post } from '../../test/form.fixture.ts';
import { embeddingAt, openPeopleFixture, type PeopleFixture, workFace } from './people.fixture.ts';

const shown = (...faces: ReturnType<typeof workFace>[]) => ({ width: 48, height: 48, faces });

describe('faces compared over HTTP', { timeout: 120_000 }, () => {
  let stage: PeopleFixture;
  let ada: string;
  before(async () => {
    stage = await openPeopleFixture();
    ada = enrolmentSchema.parse(JSON.parse((await stage.enrol('Ada')).text)).person.id;
  });
  after(() => stage.close());
  beforeEach(() => stage.answer(() => ({})));

  const read = ({ status, text }: Answer) => {
    const body = JSON.parse(text);
    return { status, type: body.type, body };
  };
  const send = async (path: string, fields: Record<string, string>, ...photos: string[]) =>
    read(await post(stage.url(path), stage.form(fields, ...photos)));

  it('two photos: every face of the second one against the largest of the first, nearest first', async () => {
    const boxes = [workFace(1).box, [1, 1, 9, 9] as const];
    stage.answer(() => ({
      photos: [shown(workFace(0)), shown(workFace(1), workFace(0, { box: [1, 1, 9, 9] }))],
      pairs: [
        { distance: 1.2, odds: 3, same: false },
        { distance: 0.4, odds: 90_000, same: true },
      ],
    }));
    const { status, body } = await send('v1/verifications', { odds: '500' }, 'a.jpg', 'b.jpg');
    assert.equal(status, 200);
    assert.deepEqual([body.same, body.distance, body.odds], [true, 0.4, 90_000]);
    assert.deepEqual(
      body.faces.map((face: { box: unknown; same: boolean }) => [face.box, face.same]),
      [
        [boxes[1], true],
        [boxes[0], false],
      ],
    );
    const { work, photos, odds, gallery } = stage.worked.at(-1)!;
    assert.deepEqual([work, photos, odds, (gallery ?? 0) > 0], ['verify', 2, 500, true]);
  });

  it('one photo and a person, by id or by name', async () => {
    stage.answer(() => ({
      photos: [shown(workFace(0))],
      pairs: [{ distance: 0.5, odds: 2000, same: true }],
    }));
    for (const person of [ada, 'Ada']) {
      const { status, body } = await send('v1/verifications', { person }, 'a.jpg');
      assert.deepEqual([status, body.same, body.faces.length], [200, true, 1]);
      assert.equal(stage.worked.at(-1)?.person, ada);
    }
    const wrong = await send('v1/verifications', { person: 'Bob' }, 'a.jpg');
    assert.deepEqual([wrong.status, wrong.type], [404, '/problems/unknown-person']);
  });

  it('what is no pair is refused', async () => {
    assert.equal((await send('v1/verifications', {}, 'a.jpg')).status, 400);
    assert.equal((await send('v1/verifications', { person: ada }, 'a.jpg', 'b.jpg')).status, 400);
    assert.equal((await send('v1/verifications', {}, 'a.jpg', 'b.jpg', 'c.jpg')).status, 400);
    stage.answer(() => ({ photos: [shown(workFace(0)), shown()] }));
    const { status, body } = await send('v1/verifications', {}, 'a.jpg', 'wall.jpg');
    assert.deepEqual([status, body.type], [422, '/problems/no-face']);
    assert.match(body.detail, /^Photo 2 \("wall\.jpg"\)/);
  });

  it('embeddings and detections of each photo, in order', async () => {
    stage.answer(({ work }) => ({
      photos: [
        shown(workFace(2, work === 'detect' ? { embedding: undefined } : {})),
        { refused: { reason: 'image', message: 'It is cut off.' } },
      ],
    }));
    const embedded = await send('v1/embeddings', {}, 'a.jpg', 'cut.jpg');
    assert.deepEqual(
      embedded.body.photos.map((photo: { file: string; refused?: string }) => [
        photo.file,
        photo.refused,
      ]),
      [
        ['a.jpg', undefined],
        ['cut.jpg', 'It is cut off.'],
      ],
    );
    const [face] = embedded.body.photos[0].faces;
    assert.equal(face.embedding, embeddingAt(2).toString('base64'));
    assert.equal(face.nearest, undefined);
    const detected = await send('v1/detections', {}, 'a.jpg', 'cut.jpg');
    assert.deepEqual(Object.keys(detected.body.photos[0].faces[0]).sort(), [
      'box',
      'landmarks',
      'probability',
      'quality',
    ]);
  });

  it('an embedding that the client has is searched for, as numbers or as bytes', async () => {
    const nearest = [{ person: ada, name: 'Ada', distance: 0.2, odds: 1e6, known: true }];
    stage.answer(() => ({ photos: [], nearest }));
    const bytes = embeddingAt(0);
    const numbers = [...new Float32Array(Uint8Array.from(bytes).buffer)];
    for (const embedding of [bytes.toString('base64'), numbers]) {
      const { status, body } = await stage.json('POST', 'v1/searches', { embedding, top: 3 });
      assert.deepEqual([status, body.nearest, body.encoder], [200, nearest, 'test']);
    }
    for (const wrong of [
      { embedding: [1, 2, 3] },
      { embedding: 'AAA=' },
      { embedding: numbers, encoder: 'another' },
      { embedding: numbers, best: 3 },
      {},
    ]) {
      const { status } = await stage.json('POST', 'v1/searches', wrong);
      const isOther = !('best' in wrong) && 'embedding' in wrong;
      assert.equal(status, isOther ? 409 : 400, JSON.stringify(wrong));
    }
  });

  it('a model with another encoder compares nobody with the gallery’s people', async () => {
    stage.answer(() => ({ encoder: 'another', gallery: 0, nearest: [], pairs: [] }));
    const embedding = embeddingAt(0).toString('base64');
    const searched = await stage.json('POST', 'v1/searches', { embedding });
    const verified = await send('v1/verifications', { person: ada }, 'a.jpg');
    for (const { status, body } of [searched, verified]) {
      assert.deepEqual([status, body.type], [409, '/problems/other-encoder']);
      assert.match(body.detail, /deploy that model again, or move the gallery/);
    }
    const pairs = [{ same: true, distance: 0.3, odds: 1e6 }];
    stage.answer(() => ({ encoder: 'another', gallery: 0, pairs }));
    assert.equal((await send('v1/verifications', {}, 'a.jpg', 'b.jpg')).status, 200);
  });

  it('a gallery version that is not there yet is refused, not waited for', async () => {
    for (const path of ['v1/embeddings', 'v1/recognitions', '']) {
      const body = stage.form({}, 'a.jpg');
      const headers = { Accept: 'application/json' };
      const answer = await post(stage.url(`${path}?gallery=999`), body, { headers });
      assert.deepEqual(
        [answer.status, JSON.parse(answer.text).type],
        [409, '/problems/future-version'],
      );
    }
  });

  it('a body that is no JSON object is refused in one sentence', async () => {
    const send = async (body: string, type = 'application/json', more = {}) => {
      const headers = { 'Content-Type': type, ...more };
      const response = await fetch(stage.url('v1/searches'), { method: 'POST', body, headers });
      const { type: problem } = z.object({ type: z.string() }).parse(await response.json());
      return [response.status, problem];
    };
    assert.deepEqual(await send('{'), [400, '/problems/bad-body']);
    assert.deepEqual(await send('[]'), [400, '/problems/bad-field']);
    assert.deepEqual(await send('{}', 'text/plain'), [415, '/problems/not-json']);
    assert.deepEqual(await send('{}', 'application/json', { 'Content-Encoding': 'gzip' }), [
      415,
      '/problems/encoded',
    ]);
    assert.deepEqual(await send(`{"embedding":"${'A'.repeat(70_000)}"}`), [
      413,
      '/problems/too-large',
    ]);
  });
});
