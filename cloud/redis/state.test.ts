import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { countOld, silent, startTestRedis, type TestRedis } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { connectRedis } from './connection.ts';
import { groupId, openLeadership } from './leader.ts';
import { openLeases } from './leases.ts';
import { onFirstRequest, openPressure } from './pressure.ts';
import { openRecognitions } from './recognitions.ts';
import { openRelay } from './relay.ts';
import { openRequestIds } from './request-ids.ts';

describe('what the services keep in Redis', { timeout: 30_000 }, () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startTestRedis();
    redis = server.client;
  });
  after(() => server.close());

  it('pressure counts each request once, knows the oldest, and ends with it', async () => {
    const pressure = openPressure(redis, 'pressure-test', 10_000);
    assert.deepEqual(await pressure.read(), { count: 0, abandoned: 0 });
    await countOld(redis, 'pressure-test', ['one'], 60_000);
    await pressure.begin('one', 'a.jpg');
    await pressure.begin('two', 'b.jpg');
    await pressure.begin('two', 'b.jpg');
    const { count, oldestMs = 0, recent } = await pressure.read(30_000);
    assert.deepEqual([count, recent], [2, 1]);
    assert.ok(oldestMs >= 60_000 && oldestMs < 90_000, 'begun twice, it is as old as at first');
    await pressure.finish('one', 'a.jpg');
    await pressure.finish('one', 'a.jpg');
    const { count: left, oldestMs: young = 0 } = await pressure.read();
    assert.ok(left === 1 && young < 30_000);
    assert.equal(await pressure.forgetOlder(30_000), 0);
    assert.equal(await pressure.forgetOlder(0), 1);
    assert.deepEqual(await pressure.read(), { count: 0, abandoned: 0 });
  });

  it('the first request is told to whoever listens, and those that follow it are not', async () => {
    const pressure = openPressure(redis, 'first-test', 10_000);
    let told = 0;
    const listening = onFirstRequest(redis, 'first-test', () => told++);
    await listening.heard;
    for (const id of ['one', 'one', 'two']) await pressure.begin(id, 'a.jpg');
    for (const id of ['one', 'two']) await pressure.finish(id, 'a.jpg');
    await pressure.begin('three', 'a.jpg');
    await until('the second first one', () => told >= 2);
    assert.equal(told, 2);
    listening.close();
  });

  it('a request id is taken while its client waits, and while anything is kept under it', async () => {
    const ids = openRequestIds(redis, 'ids-test', 50);
    const recognitions = openRecognitions(redis, 'ids-test', 60_000);
    const [record, photo, free] = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of [record, photo, free]) assert.equal(await ids.take(id), true);
    assert.equal(await ids.take(free), false);
    await recognitions.write(record, { photos: [{ id: photo, file: 'a.jpg' }] });
    const refusal = { reason: 'no-face', message: 'There is no face.' } as const;
    await recognitions.keep({ id: photo, file: 'a.jpg', node: 'kept', outcome: { refusal } });
    await until('the ids to be forgotten', async () => {
      return (await redis.keys('ids-test:request-id:*')).length === 0;
    });
    assert.deepEqual(await Promise.all([record, photo, free].map((id) => ids.take(id))), [
      false,
      false,
      true,
    ]);
  });

  it('a file name is held by one request at a time, and freed only by its holder', async () => {
    const pressure = openPressure(redis, 'hold-test', 10_000);
    assert.equal(await pressure.begin('one', 'a.jpg'), true);
    assert.equal(await pressure.begin('two', 'a.jpg'), false);
    assert.equal(await pressure.begin('one', 'a.jpg'), true);
    await pressure.finish('two', 'a.jpg');
    assert.equal(await pressure.begin('three', 'a.jpg'), false);
    await pressure.finish('one', 'a.jpg');
    assert.equal(await pressure.begin('four', 'a.jpg'), true);
  });

  it('a name whose holder was forgotten is free', async () => {
    const pressure = openPressure(redis, 'forgotten-test', 60_000);
    await countOld(redis, 'forgotten-test', ['dead'], 60_000);
    assert.equal(await pressure.begin('dead', 'a.jpg'), true);
    assert.equal(await pressure.begin('next', 'a.jpg'), false);
    assert.equal(await pressure.forgetOlder(30_000), 1);
    assert.equal(await pressure.begin('next', 'a.jpg'), true);
  });

  it('a hold ends by itself when nobody ends it', async () => {
    const pressure = openPressure(redis, 'expiry-test', 50);
    await pressure.begin('one', 'a.jpg');
    await until('the hold to end', () => pressure.begin('two', 'a.jpg'));
  });

  it('a lease is read back with its age; an instance that never reported has none', async () => {
    const leases = openLeases(redis, 'lease-test');
    const lease = { state: 'idle', forMs: 1234, inHand: 0, finished: 7 } as const;
    assert.equal(await leases.renew('i-1', lease), false);
    const readings = await leases.read(['i-1', 'i-2']);
    assert.equal(readings.size, 1);
    const { silentMs, ...read } = readings.get('i-1') ?? assert.fail('no lease');
    assert.deepEqual(read, lease);
    assert.ok(silentMs >= 0 && silentMs < 5000);
  });

  it('a lease never speaks from the future, however the clock of Redis was set', async () => {
    const leases = openLeases(redis, 'clock-test');
    await leases.renew('i-1', { state: 'idle', forMs: 0, inHand: 0, finished: 0 });
    await redis.pexpire('clock-test:lease:i-1', 600_000);
    assert.equal((await leases.read(['i-1'])).get('i-1')?.silentMs, 0);
  });

  it('an instance learns that it is to drain when it renews its lease, until it is forgotten', async () => {
    const leases = openLeases(redis, 'drain-test');
    const lease = { state: 'busy', forMs: 0, inHand: 1, finished: 0 } as const;
    await leases.askToDrain('i-1');
    assert.equal(await leases.renew('i-1', lease), true);
    assert.equal(await leases.renew('i-2', lease), false);
    await leases.forget('i-1');
    assert.equal(await leases.renew('i-1', lease), false);
  });

  it('what is no lease is read as none', async () => {
    const leases = openLeases(redis, 'foreign-test');
    await redis.set('foreign-test:lease:i-1', '{"state":"dancing"}', 'PX', 1000);
    assert.equal((await leases.read(['i-1'])).size, 0);
  });

  it('one scaler leads at a time; the next leads when it resigns', async () => {
    const first = openLeadership(redis, 'leader-test', 'first');
    const second = openLeadership(redis, 'leader-test', 'second');
    assert.equal(await first.lead(), true);
    assert.equal(await second.lead(), false);
    assert.equal(await first.lead(), true);
    await second.resign();
    assert.equal(await second.lead(), false);
    await first.resign();
    assert.equal(await second.lead(), true);
  });

  it('scalers of one Redis share a group id, even after Redis lost it, and it expires', async () => {
    assert.equal(await groupId(redis, 'group-test', undefined, 'aa'), 'aa');
    assert.equal(await groupId(redis, 'group-test', undefined, 'bb'), 'aa');
    assert.ok((await redis.pttl('group-test:scaler-group')) > 60_000);
    await redis.del('group-test:scaler-group');
    assert.equal(await groupId(redis, 'group-test', 'aa', 'cc'), 'aa');
  });

  it('a reply reaches the node that listens, and one that does not listen finds it', async () => {
    const here = openRelay(redis, 'relay-test');
    const there = openRelay(redis, 'relay-test');
    const heard: string[] = [];
    let gapsOver = 0;
    await there.listen(
      'there',
      (body) => heard.push(body),
      () => gapsOver++,
    );
    assert.equal(gapsOver, 1);
    const reply = (id: string, node: string) => ({ id, node, body: `reply ${id}` });
    assert.equal(await here.pass(reply('one', 'there'), 60_000), true);
    assert.equal(await here.pass(reply('two', 'nobody'), 60_000), false);
    await until('the reply to arrive', () => heard.length === 1);
    assert.deepEqual(heard, ['reply one']);
    assert.deepEqual(await there.find(['one', 'two', 'three']), ['reply one', 'reply two']);
    assert.deepEqual(await there.find([]), []);
    there.close();
    assert.equal(there.isHearing, false);
  });

  it('a reply that is passed on again goes out as it is kept, or as it was where Redis lost it', async () => {
    const relay = openRelay(redis, 'again-test');
    const heard: string[] = [];
    const reply = { id: 'one', node: 'there', body: 'a name', again: true };
    assert.equal(await relay.pass({ ...reply, again: false }, 60_000), false);
    await redis.set('again-test:relayed:one', 'forgotten', 'KEEPTTL');
    await relay.listen(
      'there',
      (body) => heard.push(body),
      () => undefined,
    );
    assert.equal(await relay.pass(reply, 60_000), true);
    await redis.del('again-test:relayed:one');
    assert.equal(await relay.pass(reply, 60_000), true);
    assert.equal(await relay.pass({ ...reply, body: 'another', again: false }, 60_000), true);
    await until('the replies to arrive', () => heard.length === 3);
    assert.deepEqual(heard, ['forgotten', 'a name', 'another']);
    relay.close();
  });

  it('commands fail soon, not late, when Redis is away', async () => {
    const away = connectRedis('redis://127.0.0.1:1', 'test', silent);
    await assert.rejects(openPressure(away, 'away-test', 1000).read());
    away.disconnect();
  });
});
