import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { openQueue, type Queue } from '../../cloud/aws/sqs/queues.ts';
import { openLeases } from '../../cloud/redis/leases.ts';
import { type FiguresStore, openFigures } from '../../cloud/redis/measurements.ts';
import { openPressure, type Pressure } from '../../cloud/redis/pressure.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { estimatesOf, resumeMeasures } from '../decide/measure.ts';
import { MemoryFleet } from './fleet.fixture.ts';
import { TestLead } from './lead.fixture.ts';
import { type ScalerLoop, startLoop } from './loop.ts';

/** Requests of 2 s each, instances that boot in 5 s, and three requests a second. */
const known = {
  arrivals: { perSecond: 3, weight: 1 },
  service: { busySeconds: 400, finished: 200 },
  boot: { seconds: 5, count: 3 },
};

describe('what a scaler measured', { timeout: 30_000 }, () => {
  let cloud: TestCloud;
  let redis: Redis;
  let requests: Queue;
  let pressure: Pressure;
  let store: FiguresStore;
  let fleet: MemoryFleet;
  let keys: string;
  let loop: ScalerLoop | undefined;
  let project = 0;

  before(async () => {
    cloud = await startTestCloud({ SCALE_POLICY: 'drain-time', MAX_INSTANCES: 20 });
    redis = cloud.redis.client;
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
  });
  after(() => cloud.close());
  beforeEach(() => {
    keys = `figures-test-${project++}`;
    pressure = openPressure(redis, keys, 60_000);
    store = openFigures(redis, keys);
    fleet = new MemoryFleet();
  });
  afterEach(() => loop?.stop());

  const start = (now: () => number = Date.now): void => {
    const { settings } = cloud;
    const lead = new TestLead();
    const leases = openLeases(redis, keys);
    const parts = { projectId: keys, settings, fleet, leases, pressure, requests, lead };
    loop = startLoop({ ...parts, figures: store, log: silent, tickMs: 10, now });
  };
  const demand = async (count: number): Promise<void> => {
    for (let one = 0; one < count; one++) await pressure.begin(`${one}`, `${one}.jpg`);
  };

  it('is what the next leader decides by', async () => {
    await demand(90);
    // Last: arrivals fade with age, and on a slow machine 90 requests take long to count.
    await store.save(known);
    start();
    // 90 requests of 2 s within the 55 s that a boot leaves need three, three a second need six; a guess says one.
    // On a slow machine a second look may be needed to get there.
    await until('six launches', () => fleet.alive.length === 6);
  });

  it('is kept every ten seconds, and when it stops', async () => {
    let clock = Date.now();
    start(() => clock);
    await until('the figures', async () => {
      clock += 1000;
      return (await store.read()) !== undefined;
    });
    await store.save(known);
    await loop?.stop();
    assert.notDeepEqual((await store.read())?.figures.service, known.service);
  });

  it('loses its arrivals with age, but not its times', async () => {
    await store.save(known);
    const reading = await store.read();
    assert.ok(reading !== undefined && reading.ageSeconds >= 0 && reading.ageSeconds < 5);
    const old = estimatesOf(resumeMeasures({ ...reading, ageSeconds: 400 }));
    assert.ok(old.arrivalsPerSecond < 0.01);
    assert.deepEqual([old.serviceSeconds, old.bootSeconds], [2, 5]);
  });

  it('is a guess again when something else was written there', async () => {
    for (const text of [
      '{"version":2}',
      'no JSON',
      JSON.stringify({ version: 1, ...known, boot: 5 }),
    ]) {
      await redis.set(`${keys}:figures`, text, 'PX', 60_000);
      assert.equal(await store.read(), undefined, text);
    }
    await demand(90);
    start();
    await until('a launch', () => fleet.alive.length > 0);
    assert.equal(fleet.alive.length, 1);
  });
});
