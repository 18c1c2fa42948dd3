import assert from 'node:assert/strict';
import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { openResults } from '../../../cloud/aws/s3/objects.ts';
import { openObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import { openDeadLetters } from '../../../cloud/aws/sqs/dead-letters.ts';
import { openQueue } from '../../../cloud/aws/sqs/queues.ts';
import { encodeRequest, KEPT } from '../../../cloud/contract/messages.ts';
import { WORK_FILE } from '../../../cloud/contract/people-work.ts';
import { openRecognitions } from '../../../cloud/redis/recognitions.ts';
import { openRelay } from '../../../cloud/redis/relay.ts';
import { enrolmentSchema, receiptSchema } from '../../../people/api.ts';
import { until } from '../../../test/condition.fixture.ts';
import { match } from '../../api/api.fixture.ts';
import { embeddingAt, openPeopleFixture, type PeopleFixture, workFace } from '../people.fixture.ts';
import { mentionsOf } from './mentions.ts';
import { signedText } from './receipts.ts';
import { everyByteOf } from './traces.fixture.ts';

const NAME = 'Zäzilie Quux';
const EARLIER = 'Zäzilie Quuxdottir';

describe('a person who is forgotten', { timeout: 120_000 }, () => {
  let stage: PeopleFixture;
  let logged = '';
  before(async () => {
    const write = (line: string): void => {
      logged += line;
    };
    const log = pino({ level: 'trace' }, { write });
    stage = await openPeopleFixture({ KEEP_ENROLLED_PHOTOS: 'true' }, log);
  });
  after(() => stage.close());
  beforeEach(() => stage.answer(() => ({})));

  const embedding = embeddingAt(5, 0.123);
  const enrol = async (name: string, fields: Record<string, string> = {}) => {
    const face = workFace(5, { embedding: embedding.toString('base64') });
    stage.answer(() => ({ photos: [{ width: 48, height: 48, faces: [face] }] }));
    const { status, text } = await stage.enrol(name, fields);
    assert.equal(status, 201, text);
    return enrolmentSchema.parse(JSON.parse(text)).person;
  };

  it('is in no object, no Redis key, no queue and no log; the receipt says what was erased', async () => {
    const { clients, names } = stage.cloud;
    const { id } = await enrol(EARLIER);
    await stage.json('PATCH', `v1/people/${id}`, { name: NAME });
    stage.answer(() => ({}));
    await stage.enrol('Bob');

    const recognitions = openRecognitions(stage.redis, names.keys, 600_000);
    const answered = (name: string) => ({ ...match(name), person: id });
    const reply = (name: string) => {
      const of = { id: randomUUID(), file: 'p.jpg', node: KEPT };
      return { ...of, outcome: { match: answered(name) } };
    };
    const kept = reply(NAME);
    await recognitions.write(kept.id, { photos: [{ id: kept.id, file: 'p.jpg' }] });
    for (const one of [kept, reply(EARLIER)]) await recognitions.keep(one);
    const relayed = reply(NAME);
    const body = JSON.stringify(relayed);
    await openRelay(stage.redis, names.keys).pass({ id: relayed.id, node: 'dead', body }, 60_000);
    const results = openResults(clients.s3, names.outBucket);
    await results.put('p.jpg', { requestId: kept.id, match: answered(NAME) });
    await results.put('bob.jpg', {
      requestId: randomUUID(),
      match: {
        ...match('Bob'),
        nearest: [
          { name: 'Bob', distance: 0.1 },
          { name: NAME, distance: 1 },
        ],
      },
    });
    const letters = openDeadLetters(await openQueue(clients.sqs, names.deadLetterQueue));
    const file = `${NAME}.jpg`;
    const asked = { id: randomUUID(), file, key: file, node: 'web-1', sentAt: Date.now() };
    await letters.bury(encodeRequest(asked), { reason: 'x', deliveries: 3, worker: 'i-1' });
    await stage.objects.put(`work/${randomUUID()}/result.json`, `{"name":"${NAME}"}`, 'text/plain');

    const answer = await stage.json('DELETE', `v1/people/${id}?answers=true`);
    assert.equal(answer.status, 200);
    const receipt = receiptSchema.parse(answer.body);
    assert.deepEqual([receipt.status, receipt.person, receipt.reason], ['done', id, 'request']);
    const counts = Object.fromEntries(receipt.removed.map(({ what, count }) => [what, count]));
    assert.deepEqual(
      [counts['kept answers'], counts['dead letters'], counts['results in the out-bucket']],
      [3, 1, 2],
    );

    const everything = await everyByteOf(stage.cloud, stage.redis);
    everything.set('log', Buffer.from(logged));
    assert.ok(everything.size > 5);
    for (const [where, bytes] of everything) {
      for (const sought of [NAME, EARLIER, embedding, embedding.toString('base64')]) {
        assert.equal(bytes.includes(sought), false, `${where} has ${sought}`);
      }
    }
    assert.equal(everything.get(`${names.outBucket}/bob`)?.toString().includes('bob:Bob'), true);
    const later = await stage.json('GET', `v1/recognitions/${kept.id}`);
    assert.equal(later.body.photos[0].problem.type, '/problems/forgotten');
  });

  it('a receipt is signed with the key that the deployment shows, and kept', async () => {
    const { id } = await enrol('Signed');
    const { body } = await stage.json('DELETE', `v1/people/${id}`);
    const { signature, ...signed } = receiptSchema.parse(body);
    const { body: key } = await stage.json('GET', 'v1/receipts/key');
    assert.equal(key.id, signed.key);
    const check = (text: string): boolean =>
      verify(
        null,
        Buffer.from(text),
        createPublicKey(key.publicKey),
        Buffer.from(signature, 'base64'),
      );
    assert.equal(check(signedText(signed)), true);
    assert.equal(check(signedText({ ...signed, requested: '2001-01-01T00:00:00Z' })), false);
    const other = await stage.start();
    assert.deepEqual(
      (await stage.json('GET', `v1/receipts/${body.id}`, undefined, other)).body,
      body,
    );
    const none = await stage.json('GET', `v1/receipts/${randomUUID()}`);
    assert.deepEqual([none.status, none.body.type], [404, '/problems/unknown-receipt']);
  });

  it('the receipt is done only when no request from before can be answered with the name any more', async () => {
    const { id } = await enrol('Awaited');
    await stage.pressure.begin('from-before', WORK_FILE);
    let isDone = false;
    const answer = stage.json('DELETE', `v1/people/${id}`).finally(() => {
      isDone = true;
    });
    await until('nobody to be called so', async () => {
      return (await stage.json('GET', `v1/people/${id}`)).status === 404;
    });
    const recognitions = openRecognitions(stage.redis, stage.cloud.names.keys, 600_000);
    const late = {
      id: randomUUID(),
      file: 'l.jpg',
      node: KEPT,
      outcome: { match: match('Awaited') },
    };
    await recognitions.keep(late);
    assert.equal(isDone, false);
    await stage.pressure.finish('from-before', WORK_FILE);
    assert.equal((await answer).body.status, 'done');
    const [reply] = await recognitions.replies([late.id]);
    assert.deepEqual(
      reply && 'refusal' in reply.outcome && reply.outcome.refusal.reason,
      'forgotten',
    );
  });

  it('an expired person is forgotten automatically, with a receipt', async () => {
    const expires = new Date(Date.now() + 1200).toISOString();
    const { id } = await enrol('Short', { expires });
    assert.equal((await stage.json('GET', `v1/people/${id}`)).status, 200);
    const receipts = openObjects(stage.cloud.clients.s3, stage.cloud.names.peopleBucket);
    const pointer = await until('the receipt', () => receipts.get(`receipts/people/${id}.json`));
    const { receipt } = JSON.parse(Buffer.from(pointer).toString());
    const done = await until('it to be done', async () => {
      const { body } = await stage.json('GET', `v1/receipts/${receipt}`);
      return body.status === 'done' ? body : undefined;
    });
    assert.equal(done.reason, 'expiry');
    assert.equal((await stage.json('GET', `v1/people/${id}`)).status, 404);
  });
});

describe('texts that name a person', () => {
  const mentions = mentionsOf(['3f0e'], ['Ada', 'O"Hara (Jr.)']);
  it('are found by whole names and ids, whatever letters a name has', () => {
    for (const text of [
      'x:Ada',
      '"Ada"',
      'Ada_1.jpg',
      'a 3f0e b',
      'O"Hara (Jr.)',
      JSON.stringify('O"Hara (Jr.)'),
    ]) {
      assert.equal(mentions(text), true, text);
    }
    for (const text of ['Adam', 'xAda', 'Adä', 'Ada\u0308', '3f0e1', 'O"Hara']) {
      assert.equal(mentions(text), false, text);
    }
  });
});
