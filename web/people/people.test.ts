import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { enrolmentSchema, peoplePageSchema } from '../../people/api.ts';
import { type Answer, post } from '../../test/form.fixture.ts';
import { openPeopleFixture, type PeopleFixture, workFace } from './people.fixture.ts';

describe('the people of a live gallery over HTTP', { timeout: 120_000 }, () => {
  let stage: PeopleFixture;
  before(async () => {
    stage = await openPeopleFixture();
  });
  after(() => stage.close());
  beforeEach(() => stage.answer(() => ({})));

  const enrolled = async (answer: Promise<Answer>) => {
    const { status, text } = await answer;
    assert.equal(status, 201, text);
    return enrolmentSchema.parse(JSON.parse(text));
  };
  const refused = async (answer: Promise<Answer>): Promise<unknown[]> => {
    const { status, text } = await answer;
    const { type, detail } = JSON.parse(text);
    return [status, type, detail];
  };

  it('somebody who is enrolled is listed, shown and changed by every node, and forgotten', async () => {
    const other = await stage.start();
    const form = stage.form(
      {
        name: ' Ada  Lovelace ',
        metadata: '{"team":"engines"}',
        consent: 'on paper, 2026-11-30',
      },
      'a.jpg',
      'b.jpg',
    );
    stage.answer(({ photos }) => ({
      photos: Array.from({ length: photos }, () => ({
        width: 48,
        height: 48,
        faces: [workFace(0)],
      })),
    }));
    const answer = await post(stage.url('v1/people'), form);
    const { person, added, gallery, doubts } = await enrolled(Promise.resolve(answer));
    assert.equal(answer.headers.location, `/v1/people/${person.id}`);
    assert.deepEqual([person.name, person.faces.length, added.length], ['Ada  Lovelace', 2, 2]);
    assert.deepEqual([person.metadata, doubts], [{ team: 'engines' }, []]);

    const shown = await stage.json('GET', `v1/people/${person.id}`, undefined, other);
    assert.deepEqual(shown.body, person);
    const page = peoplePageSchema.parse((await stage.json('GET', 'v1/people?q=lovelace')).body);
    assert.deepEqual([page.total, page.people[0]?.faces, page.gallery], [1, 2, gallery]);

    const changed = await stage.json('PATCH', `v1/people/${person.id}`, {
      name: 'Ada King',
      consent: null,
    });
    assert.equal(changed.body.person.name, 'Ada King');
    const again = await stage.json('GET', `v1/people/${person.id}`, undefined, other);
    assert.deepEqual([again.body.name, again.body.consent], ['Ada King', undefined]);

    const receipt = await stage.json('DELETE', `v1/people/${person.id}`);
    assert.deepEqual([receipt.status, receipt.body.status], [200, 'done']);
    const gone = await stage.json('GET', `v1/people/${person.id}`, undefined, other);
    assert.deepEqual([gone.status, gone.body.type], [404, '/problems/unknown-person']);
    const repeated = await stage.json('DELETE', `v1/people/${person.id}`, undefined, other);
    assert.deepEqual(repeated.body, receipt.body);
  });

  it('a name belongs to one person; add=true adds faces to that person', async () => {
    const { person } = await enrolled(stage.enrol('Grace'));
    assert.deepEqual((await refused(stage.enrol('Grace'))).slice(0, 2), [
      409,
      '/problems/name-taken',
    ]);
    const more = await enrolled(stage.enrol('Grace', { add: 'true' }));
    assert.deepEqual([more.person.id, more.person.faces.length], [person.id, 2]);
  });

  it('a request that is sent again with its Idempotency-Key enrols nobody twice', async () => {
    const key = { 'Idempotency-Key': 'once' };
    const first = await enrolled(stage.enrol('Hedy', {}, undefined, key));
    const second = await enrolled(stage.enrol('Hedy', {}, undefined, key));
    assert.deepEqual(second.person, first.person);
    assert.deepEqual(second.added, first.added);
  });
});
