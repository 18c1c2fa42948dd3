import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { openQueue, type Queue } from '../../cloud/aws/sqs/queues.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { openLeadership } from '../../cloud/redis/leader.ts';
import { type Leases, openLeases } from '../../cloud/redis/leases.ts';
import { openPressure } from '../../cloud/redis/pressure.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { MemoryFleet } from './fleet.fixture.ts';
import { Gateway } from './gateway.fixture.ts';
import { keepLead, type Lead } from './lead.ts';
import { type ScalerLoop, startLoop } from './loop.ts';

const KEYS = 'redis-loss-test';

describe('a leader whose Redis is lost and comes back empty', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  /** The scaler's, and one that is never away. */
  let redis: Redis;
  let direct: Redis;
  let gateway: Gateway;
  let requests: Queue;
  let leases: Leases;
  let lead: Lead;
  let loop: ScalerLoop;
  const fleet = new MemoryFleet();
  const state = { ticks: 0, leapMs: 0 };

  before(async () => {
    cloud = await startTestCloud({ MAX_INSTANCES: 5, IDLE_SECONDS: 1 });
    const url = cloud.settings.REDIS_URL ?? '';
    direct = connectRedis(url, 'test', silent);
    gateway = new Gateway(Number(new URL(url).port));
    await gateway.open();
    redis = connectRedis(`redis://127.0.0.1:${gateway.port}`, 'test', silent);
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
    leases = openLeases(direct, KEYS);
    lead = keepLead(openLeadership(redis, KEYS, 'one'), { log: silent });
    loop = startLoop({
      projectId: 'test',
      settings: cloud.settings,
      fleet,
      leases: openLeases(redis, KEYS),
      pressure: openPressure(redis, KEYS, 60_000),
      requests,
      lead,
      log: silent,
      tickMs: 10,
      now() {
        state.ticks += 1;
        return Date.now() + state.leapMs;
      },
    });
  });
  after(async () => {
    await loop.stop();
    redis.disconnect();
    direct.disconnect();
    await gateway.close();
    await cloud.close();
  });

  const someTicks = () => {
    const from = state.ticks;
    return until('more ticks', () => state.ticks > from + 10);
  };
  const busy = { state: 'busy', forMs: 0, inHand: 1, finished: 0 } as const;

  it('goes on by the queue alone, ends nobody meanwhile, and gives all time to report again', async () => {
    await requests.send('a');
    const { id } = await until('an instance', () => fleet.alive[0]);
    await leases.renew(id, busy);
    await someTicks();

    await gateway.close();
    await until('the lead to be in doubt', () => lead.role === 'waiting');
    await requests.send('b');
    await someLooks();
    assert.equal(fleet.alive.length, 1, 'another may lead now');
    await until('the launch of a leader alone', () => fleet.alive.length === 2);
    assert.equal(lead.role, 'alone');
    state.leapMs += 600_000;
    await someTicks();
    assert.deepEqual(fleet.terminations, []);

    await direct.flushall();
    await gateway.open();
    await until('the lead', () => lead.role === 'leader');
    assert.equal(lead.term, 1);
    // No lease is left, of instances launched long ago by this clock: they have 30 s from now.
    await someTicks();
    state.leapMs += 25_000;
    await someTicks();
    assert.deepEqual([fleet.numbers, fleet.terminations], [[1, 2], []]);

    // The one that reports works on; the one that never does is replaced.
    const dead = fleet.alive[1]?.id;
    await leases.renew(id, busy);
    state.leapMs += 10_000;
    await until('the end of the silent one', () => fleet.terminations.length > 0);
    assert.deepEqual(fleet.terminations, [[dead]]);
  });

  /** While the lead is in doubt there are no ticks to count. */
  function someLooks(): Promise<unknown> {
    const end = performance.now() + 200;
    return until('some time', () => performance.now() > end);
  }
});
