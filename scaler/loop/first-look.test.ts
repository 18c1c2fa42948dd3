/** When the loop looks without waiting for its next tick. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { openQueue, type Queue } from '../../cloud/aws/sqs/queues.ts';
import { openLeases } from '../../cloud/redis/leases.ts';
import { openPressure, type Pressure } from '../../cloud/redis/pressure.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { MemoryFleet } from './fleet.fixture.ts';
import { TestLead } from './lead.fixture.ts';
import { type ScalerLoop, startLoop } from './loop.ts';

/** Longer than any test waits. */
const TICK_MS = 600_000;

describe('the scaler between two ticks', { timeout: 30_000 }, () => {
  let cloud: TestCloud;
  let redis: Redis;
  let requests: Queue;
  let pressure: Pressure;
  let fleet: MemoryFleet;
  let lead: TestLead;
  let loop: ScalerLoop;
  let project = 0;

  before(async () => {
    cloud = await startTestCloud({ MAX_INSTANCES: 3 });
    redis = cloud.redis.client;
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
  });
  after(() => cloud.close());
  beforeEach(() => {
    fleet = new MemoryFleet();
    lead = new TestLead();
  });
  afterEach(() => loop.stop());

  function start(): void {
    const keys = `first-look-${project++}`;
    pressure = openPressure(redis, keys, 60_000);
    loop = startLoop({
      projectId: 'test',
      settings: cloud.settings,
      fleet,
      leases: openLeases(redis, keys),
      pressure,
      requests,
      lead,
      log: silent,
      tickMs: TICK_MS,
    });
  }

  it('looks when the first request comes and nobody is there for it', async () => {
    start();
    await until('its first look', () => loop.view().seen !== undefined);
    await pressure.begin('r', 'a.jpg');
    assert.equal(loop.wake(), true);
    await until('an instance', () => fleet.alive.length === 1);
    await until('its second look', () => loop.decisions.length === 1);
    assert.equal(loop.wake(), false, 'the one on its way is for the next too');
  });

  it('looks as soon as it leads', async () => {
    lead.given = 'standby';
    start();
    await pressure.begin('r', 'a.jpg');
    await until('a look at the lead', () => lead.looks > 2);
    lead.given = 'leader';
    await until('an instance', () => fleet.alive.length === 1);
  });
});
