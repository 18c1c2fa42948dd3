import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openResults, type Results } from '../../cloud/aws/s3/objects.ts';
import { openObjects, type StoredObjects } from '../../cloud/aws/s3/stored-objects.ts';
import type { Match } from '../../cloud/contract/match.ts';
import { encodeReply, type ReplyMessage } from '../../cloud/contract/messages.ts';
import { WORK_FILE, workKeys } from '../../cloud/contract/people-work.ts';
import { connectRedis, type RedisConnection } from '../../cloud/redis/connection.ts';
import { openRelay, type Relay } from '../../cloud/redis/relay.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { type MissedReplies, missedReplies } from './missed-replies.ts';
import { Waiters } from './waiters.ts';

const NEVER = new AbortController().signal;
const point: [number, number] = [1, 1];
const match: Match = {
  name: 'Ada',
  distance: 0.5,
  box: [1, 2, 3, 4],
  probability: 1,
  landmarks: [point, point, point, point, point],
  nearest: [],
  width: 10,
  height: 10,
};

describe('a reply that a node did not hear', { timeout: 30_000 }, () => {
  let cloud: TestCloud;
  let redis: RedisConnection;
  let relay: Relay;
  let results: Results;
  let works: StoredObjects;
  let missed: MissedReplies;
  let request: { id: string; file: string };
  before(async () => {
    cloud = await startTestCloud();
    redis = connectRedis(cloud.settings.REDIS_URL ?? '', 'test', silent);
    relay = openRelay(redis, cloud.names.keys);
    results = openResults(cloud.clients.s3, cloud.names.outBucket);
    works = openObjects(cloud.clients.s3, cloud.names.peopleBucket);
    missed = missedReplies({ node: 'this', relay, results, works, log: silent });
  });
  after(async () => {
    redis.disconnect();
    await cloud.close();
  });
  beforeEach(() => {
    request = { id: randomUUID(), file: 'a.jpg' };
  });

  const replyOf = (name: string): ReplyMessage => ({
    ...request,
    node: 'this',
    outcome: { match: { ...match, name } },
  });
  const nameOf = ({ outcome }: ReplyMessage) => 'match' in outcome && outcome.match.name;

  it('is found by the result of people work in the people bucket', async () => {
    const work = { id: randomUUID(), file: WORK_FILE };
    assert.equal(await missed.find(work), undefined);
    await works.put(workKeys.result(work.id), '{}', 'application/json');
    assert.deepEqual((await missed.find(work))?.outcome, { work: 'done' });
  });

  it('is found in Redis once it listens again', async () => {
    const waiters = new Waiters(60);
    const answer = waiters.wait(request, NEVER);
    const reply = replyOf('Grace');
    await relay.pass({ ...request, node: 'this', body: encodeReply(reply) }, 60_000);
    const told: ReplyMessage[] = [];
    await missed.answer(waiters, (one) => told.push(one));
    assert.equal(nameOf(await answer), 'Grace');
    assert.equal(told.length, 1);
    assert.equal(waiters.count, 0);
  });

  it('is found in the out-bucket where Redis lost it, and only its own request’s', async () => {
    const waiters = new Waiters(60);
    const other = { id: randomUUID(), file: 'a.jpg' };
    const answer = waiters.wait(request, NEVER);
    waiters.wait(other, NEVER).catch(() => {});
    await results.put('a.jpg', { requestId: request.id, match });
    await missed.answer(waiters, () => {});
    assert.equal(nameOf(await answer), 'Ada');
    assert.deepEqual(waiters.waiting, [other]);
    waiters.rejectAll(() => new Error('over'));
  });

  it('is looked for once more before its client is told that it took too long', async () => {
    const waiters = new Waiters(0.05, missed.find);
    await results.put('a.jpg', { requestId: request.id, match });
    assert.equal(nameOf(await waiters.wait(request, NEVER)), 'Ada');
    await assert.rejects(waiters.wait({ id: randomUUID(), file: 'b.jpg' }, NEVER), {
      status: 504,
    });
    assert.equal(waiters.count, 0);
  });
});
