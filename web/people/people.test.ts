import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { encodeReply } from '../../cloud/contract/messages.ts';
import { enrolmentSchema, peoplePageSchema } from '../../people/api.ts';
import { peopleClient } from '../../people/client.ts';
import { until } from '../../test/condition.fixture.ts';
import { type Answer, post } from '../../test/form.fixture.ts';
import { match } from '../api/api.fixture.ts';
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

  it('before any worker has started, an empty list and an unknown person say what to do', async () => {
    const { body: page } = await stage.json('GET', 'v1/people');
    assert.match(page.note, /No worker has published .* send a photo/);
    const file = await stage.json('GET', 'v1/people/export');
    assert.deepEqual([file.status, file.body.type], [404, '/problems/unknown-person']);
    const { status, body } = await stage.json('DELETE', `v1/people/${randomUUID()}`);
    assert.equal(status, 404);
    assert.match(body.detail, /No worker has published .* send a photo/);
    const client = peopleClient(stage.url(''));
    await assert.rejects(Array.fromAsync(client.list('Ada')), /No worker has published/);
  });

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

  it('two that are one are merged, a face is removed, and the way back leads there', async () => {
    const one = await enrolled(stage.enrol('Mary'));
    const two = await enrolled(stage.enrol('Mary Somerville'));
    const path = `v1/people/${one.person.id}`;
    const merged = await stage.json('POST', `${path}/merge`, { from: two.person.id });
    assert.deepEqual([merged.status, merged.body.person.faces.length], [200, 2]);
    assert.equal((await stage.json('GET', `v1/people/${two.person.id}`)).status, 404);
    const itself = await stage.json('POST', `${path}/merge`, { from: one.person.id });
    assert.deepEqual([itself.status, itself.body.type], [409, '/problems/same-person']);

    const [first, second] = merged.body.person.faces;
    const less = await stage.json('DELETE', `${path}/faces/${first.id}`);
    assert.deepEqual(less.body.person.faces, [second]);
    const last = await stage.json('DELETE', `${path}/faces/${second.id}`);
    assert.deepEqual([last.status, last.body.type], [409, '/problems/last-face']);
    const none = await stage.json('DELETE', `${path}/faces/${first.id}`);
    assert.deepEqual([none.status, none.body.type], [404, '/problems/unknown-face']);

    const { body: before } = await stage.json('GET', 'v1/gallery');
    const { body: listed } = await stage.json('GET', 'v1/gallery/versions');
    assert.equal(listed.versions[0].version, before.version);
    const back = await stage.json('POST', 'v1/gallery/rollback', { version: merged.body.gallery });
    assert.deepEqual([back.status, back.body.version], [200, before.version + 1]);
    assert.equal((await stage.json('GET', path)).body.faces.length, 2);
    const never = await stage.json('POST', 'v1/gallery/rollback', { version: 999 });
    assert.deepEqual([never.status, never.body.type], [404, '/problems/unknown-version']);
  });

  it('pages go by name, whatever its case and accents', async () => {
    for (const name of ['Zoë B', 'zoe a', 'ZOE c']) await enrolled(stage.enrol(name));
    const names: string[] = [];
    let after: string | undefined = '';
    while (after !== undefined) {
      const query: string = after === '' ? '' : `&after=${after}`;
      const page = peoplePageSchema.parse(
        (await stage.json('GET', `v1/people?q=ZOE&limit=2${query}`)).body,
      );
      assert.equal(page.total, 3);
      names.push(...page.people.map(({ name }) => name));
      after = page.next;
    }
    assert.deepEqual(names, ['zoe a', 'Zoë B', 'ZOE c']);
    for (const wrong of ['limit=0', 'limit=x', 'sort=name']) {
      assert.equal((await stage.json('GET', `v1/people?${wrong}`)).status, 400);
    }
  });

  it('every photo is computed with the newest version that any node has answered', async () => {
    const other = await stage.start();
    const { gallery } = await enrolled(stage.enrol('Newest', {}, other));
    const answer = post(stage.url(''), stage.form({}, 'a.jpg'));
    const request = await until('the request', async () => stage.photosAsked[0]);
    assert.equal(request.gallery, gallery);
    const { id, file, node } = request;
    await stage.replies.send(encodeReply({ id, file, node, outcome: { match: match('x') } }));
    assert.equal((await answer).status, 200);
  });

  it('a request that is sent again with its Idempotency-Key enrols nobody twice', async () => {
    const key = { 'Idempotency-Key': 'once' };
    const first = await enrolled(stage.enrol('Hedy', {}, undefined, key));
    const second = await enrolled(stage.enrol('Hedy', {}, undefined, key));
    assert.deepEqual(second.person, first.person);
    assert.deepEqual(second.added, first.added);
  });

  it('an Idempotency-Key with another name or other photos is refused, and changes nobody', async () => {
    const send = (name: string, ...photos: (string | Uint8Array)[]): Promise<Answer> => {
      const headers = { 'Idempotency-Key': 'one request' };
      return post(stage.url('v1/people'), stage.form({ name }, ...photos), { headers });
    };
    const { person } = await enrolled(send('Rosalind', 'a.jpg'));
    const other = Buffer.concat([stage.photo, Buffer.from('another')]);
    for (const answer of [
      send('Barbara', 'a.jpg'),
      send('Rosalind', other),
      send('Rosalind', 'a.jpg', 'b.jpg'),
    ]) {
      const [status, type, detail] = await refused(answer);
      assert.deepEqual([status, type], [422, '/problems/key-reused']);
      assert.match(String(detail), /send a new key/);
    }
    await stage.json('PATCH', `v1/people/${person.id}`, { name: 'Rosalind F' });
    assert.equal((await enrolled(send('Rosalind', 'a.jpg'))).person.id, person.id);
    assert.equal((await stage.json('GET', 'v1/people?q=barbara')).body.total, 0);
  });

  it('a rename to a name that is taken is told to merge', async () => {
    const { person } = await enrolled(stage.enrol('Taken one'));
    await enrolled(stage.enrol('Taken two'));
    const { status, body } = await stage.json('PATCH', `v1/people/${person.id}`, {
      name: 'Taken two',
    });
    assert.equal(status, 409);
    assert.match(body.detail, /merge the two people/);
  });
});
