import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { enrolmentSchema } from '../../../people/api.ts';
import { until } from '../../../test/condition.fixture.ts';
import { type Answer, post } from '../../../test/form.fixture.ts';
import { openPeopleFixture, type PeopleFixture, workFace } from '../people.fixture.ts';

const shown = (...faces: ReturnType<typeof workFace>[]) => ({ width: 48, height: 48, faces });
const quality = { ...workFace(0).quality!, sharpness: 0.1, score: 0.1 };
const blurred = { ...quality, reasons: ['The face is blurred.'] };

describe('what may be enrolled', { timeout: 120_000 }, () => {
  let stage: PeopleFixture;
  before(async () => {
    stage = await openPeopleFixture();
  });
  after(() => stage.close());
  beforeEach(() => stage.answer(() => ({})));

  const refusal = async (answer: Promise<Answer>): Promise<unknown[]> => {
    const { status, text, headers } = await answer;
    assert.match(String(headers['content-type']), /^application\/problem\+json/);
    const { type, detail } = JSON.parse(text);
    return [status, type, detail];
  };
  const enrol = (fields: Record<string, string>, ...photos: (string | Uint8Array)[]) =>
    post(stage.url('v1/people'), stage.form({ name: 'Nobody yet', ...fields }, ...photos));

  it('a photo without its one usable face is refused by its number and name, and nobody is enrolled', async () => {
    stage.answer(() => ({ photos: [shown(workFace(0)), shown()] }));
    assert.deepEqual(await refusal(enrol({}, 'a.jpg', 'wall.jpg')), [
      422,
      '/problems/no-face',
      'Photo 2 ("wall.jpg") shows no face: send one in which the face is clearly visible.',
    ]);
    stage.answer(() => ({ photos: [shown(workFace(0), workFace(1, { box: [0, 0, 28, 28] }))] }));
    assert.deepEqual(await refusal(enrol({}, 'two.jpg')), [
      422,
      '/problems/several-faces',
      'Photo 1 ("two.jpg") shows 2 faces of similar size: send one that shows this person alone.',
    ]);
    stage.answer(() => ({ photos: [{ refused: { reason: 'image', message: 'It is cut off.' } }] }));
    assert.deepEqual(await refusal(enrol({}, 'cut.jpg')), [
      422,
      '/problems/broken-image',
      'Photo 1 ("cut.jpg") cannot be used: It is cut off.',
    ]);
    assert.equal((await stage.json('GET', 'v1/people?q=nobody')).body.total, 0);
  });

  it('somebody small in the background does not count', async () => {
    stage.answer(() => ({ photos: [shown(workFace(0), workFace(1, { box: [0, 0, 9, 9] }))] }));
    assert.equal((await enrol({ name: 'Alone' }, 'a.jpg')).status, 201);
  });

  it('a poor photo is refused with its reasons, unless it is accepted', async () => {
    stage.answer(() => ({ photos: [shown(workFace(0, { quality: blurred }))] }));
    assert.deepEqual(await refusal(enrol({}, 'moved.jpg')), [
      422,
      '/problems/low-quality',
      'Photo 1 ("moved.jpg") is not good enough: The face is blurred. Send a better photo, or accept this one (accept=low-quality, or --accept low-quality).',
    ]);
    assert.equal((await enrol({ name: 'Moved', accept: 'low-quality' }, 'm.jpg')).status, 201);
  });

  it('people who look alike, and photos of two people, are doubts', async () => {
    const { person } = enrolmentSchema.parse(
      JSON.parse((await enrol({ name: 'Twin' }, 't.jpg')).text),
    );
    const near = { person: person.id, name: 'Twin', distance: 0.61, odds: 5000, known: true };
    stage.answer(() => ({
      photos: [shown(workFace(0, { nearest: [near] })), shown(workFace(3))],
      pairs: [{ distance: 1.31, odds: 2, same: false }],
    }));
    const { doubts, added } = enrolmentSchema.parse(
      JSON.parse((await enrol({ name: 'Other twin' }, 'a.jpg', 'b.jpg')).text),
    );
    assert.deepEqual(
      doubts.map(({ kind, face, message }) => [
        kind,
        added.findIndex(({ id }) => id === face),
        message,
      ]),
      [
        ['looks-like', 0, 'Photo 1 also looks like Twin (distance 0.61).'],
        ['photos-differ', 1, 'Photos 1 and 2 may show two different people (distance 1.31).'],
      ],
    );
  });

  it('what cannot be meant is refused before a worker computes anything', async () => {
    const worked = stage.worked.length;
    const many = Array.from({ length: 200 }, (_, at) => `${at}.jpg`);
    const cases: [Record<string, string>, string[], number, string][] = [
      [{}, many, 400, 'too-many-files'],
      [{ name: ' ' }, ['a.jpg'], 400, 'bad-field'],
      [{ name: 'a:b' }, ['a.jpg'], 400, 'bad-field'],
      [{ metadata: '{' }, ['a.jpg'], 400, 'bad-field'],
      [{ metadata: JSON.stringify({ x: 'x'.repeat(1024) }) }, ['a.jpg'], 400, 'bad-field'],
      [{ expires: '2001-01-01T00:00:00Z' }, ['a.jpg'], 400, 'bad-field'],
      [{ add: 'perhaps' }, ['a.jpg'], 400, 'bad-field'],
      [{ nickname: 'x' }, ['a.jpg'], 400, 'bad-field'],
    ];
    for (const [fields, photos, status, code] of cases) {
      const [found, type] = await refusal(enrol(fields, ...photos));
      assert.deepEqual([found, type], [status, `/problems/${code}`], JSON.stringify(fields));
    }
    const unnamed = post(stage.url('v1/people'), stage.form({}, 'a.jpg'));
    assert.deepEqual((await refusal(unnamed))[2], 'The field "name" is missing.');
    assert.equal(
      (await refusal(enrol({ consent: 'x'.repeat(501) }, 'a.jpg')))[2],
      'The field "consent" must be at most 500 characters long.',
    );
    assert.equal(
      (await refusal(enrol({ expires: '2027-12-31' }, 'a.jpg')))[2],
      'The field "expires" must be a date and time in UTC, such as 2027-12-31T00:00:00Z.',
    );
    assert.match(String((await refusal(enrol({}, 'a.jpg', Buffer.from('text'))))[2]), /^Photo 2 /);
    assert.equal(stage.worked.length, worked);
  });

  it('a model with another encoder enrols nobody, and the answer says what to do', async () => {
    const { body: before } = await stage.json('GET', 'v1/gallery');
    stage.answer(() => ({ encoder: 'another' }));
    const [status, type, detail] = await refusal(enrol({}, 'a.jpg'));
    assert.deepEqual([status, type], [409, '/problems/other-encoder']);
    assert.match(String(detail), /deploy that model again, or move the gallery/);
    assert.deepEqual((await stage.json('GET', 'v1/gallery')).body, before);
  });

  it('of many who take one name at once, one gets it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => enrol({ name: 'Wanted' }, 'a.jpg')),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
  });

  it('nothing of a request stays in the bucket, also when its client leaves', async () => {
    const gone = new AbortController();
    const body = stage.form({ name: 'Gone' }, 'a.jpg') as Uint8Array<ArrayBuffer>;
    const left = fetch(stage.url('v1/embeddings'), {
      method: 'POST',
      body,
      signal: gone.signal,
      headers: { 'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary' },
    }).catch(() => {});
    gone.abort();
    await left;
    await enrol({ name: 'Stays' }, 'a.jpg');
    await until('nothing to be left', async () => {
      const pages = await Array.fromAsync(stage.objects.pages('work/'));
      return pages.flat().length === 0;
    });
  });
});
