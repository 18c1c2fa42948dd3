import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPeopleFixture, type PeopleFixture } from '../people.fixture.ts';

describe('people from one deployment to another', { timeout: 120_000 }, () => {
  let from: PeopleFixture;
  let to: PeopleFixture;
  before(async () => {
    [from, to] = await Promise.all([openPeopleFixture(), openPeopleFixture()]);
    await from.enrol('Ada', { metadata: '{"team":"engines"}' });
    await from.enrol('Grace');
  });
  after(() => Promise.all([from.close(), to.close()]));

  const send = async (body: string, type = 'application/jsonl') => {
    const headers = { 'Content-Type': type };
    const response = await fetch(to.url('v1/people/import'), { method: 'POST', headers, body });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const exported = async (): Promise<string> => (await fetch(from.url('v1/people/export'))).text();

  it('a file that was exported is imported, and once more changes nothing', async () => {
    const file = await exported();
    const { status, body } = await send(file);
    assert.deepEqual([status, body.people, body.faces], [200, 2, 2]);
    const { body: theirs } = await from.json('GET', 'v1/people');
    const { body: ours } = await to.json('GET', 'v1/people');
    assert.deepEqual(ours.people, theirs.people);
    assert.equal((await send(file, 'application/x-ndjson')).status, 200);
    assert.equal((await to.json('GET', 'v1/gallery')).body.faces, 2);
  });

  it('a file with a wrong line is refused by its number, and nobody of it is taken in', async () => {
    const { body: before } = await to.json('GET', 'v1/gallery');
    const file = (await exported())
      .replaceAll('Ada', 'Eve')
      .replace('"embedding":"', '"embedding":"x');
    const { status, body } = await send(file);
    assert.deepEqual([status, body.type], [400, '/problems/bad-import']);
    assert.match(body.detail, /^Line 2: /);
    const other = (await exported()).replace('"encoder":"test"', '"encoder":"another"');
    assert.match((await send(other)).body.detail, /embeddings are of another/);
    assert.equal((await send('')).status, 400);
    assert.equal((await send(file, 'application/json')).status, 415);
    assert.deepEqual((await to.json('GET', 'v1/gallery')).body, before);
  });
});
