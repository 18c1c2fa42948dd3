import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { startTestRedis, type TestRedis } from '../../test/cloud.fixture.ts';
import type { PublishedStatus } from '../contract/scaler-status.ts';
import { fleetPoint, shownState } from './fleet-view.ts';
import type { LeaseReading } from './leases.ts';
import { HISTORY_POINTS, openScalerStatus } from './scaler-status.ts';

const status: PublishedStatus = {
  role: 'leader',
  policy: 'threshold',
  largestFleet: 20,
  instances: [
    {
      id: 'i-1',
      name: 'one',
      state: 'running',
      launchedAt: 1,
      spoke: true,
      spot: false,
      type: null,
    },
  ],
  decisions: [{ at: 1, what: 'launch one', reason: 'a request waits' }],
};
const point = { at: 0, waiting: 1, inWork: null, serving: 2, booting: 0 };

describe('what a scaler tells through Redis', { timeout: 30_000 }, () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startTestRedis();
    redis = server.client;
  });
  after(() => server.close());

  it('is read back with its age; before any has spoken there is nothing', async () => {
    const store = openScalerStatus(redis, 'status-test');
    assert.equal(await store.read(), undefined);
    assert.deepEqual(await store.history(), []);
    await store.publish(status, point);
    const { silentMs, ...read } = (await store.read()) ?? assert.fail('nothing');
    assert.deepEqual(read, status);
    assert.ok(silentMs >= 0 && silentMs < 5000);
    await redis.pexpire('status-test:scaler-status', 590_000);
    assert.ok(((await store.read())?.silentMs ?? 0) >= 10_000);
  });

  it('is ten minutes of points, oldest first', async () => {
    const store = openScalerStatus(redis, 'history-test');
    const all = Array.from({ length: HISTORY_POINTS + 5 }, (_, at) => ({ ...point, at }));
    // A burst of all would outlast a command's time limit on a busy machine.
    for (let from = 0; from < all.length; from += 50) {
      await Promise.all(all.slice(from, from + 50).map((one) => store.publish(status, one)));
    }
    assert.deepEqual(await store.history(), all.slice(5));
    assert.equal(await redis.llen('history-test:history'), HISTORY_POINTS);
  });

  it('is nothing where something else stands', async () => {
    const store = openScalerStatus(redis, 'foreign-test');
    await redis.set('foreign-test:scaler-status', '{"role":"king"}', 'PX', 1000);
    await redis.rpush('foreign-test:history', 'no JSON', '{"at":"noon"}', JSON.stringify(point));
    assert.equal(await store.read(), undefined);
    assert.deepEqual(await store.history(), [point]);
  });
});

describe('a fleet as it is shown', () => {
  const lease = (more: Partial<LeaseReading> = {}): LeaseReading => ({
    state: 'idle',
    forMs: 0,
    inHand: 0,
    finished: 0,
    silentMs: 0,
    ...more,
  });

  it('goes by EC2 until an instance speaks, then by its lease, and by EC2 when it ends', () => {
    const fresh = { spoke: false };
    assert.equal(shownState({ state: 'pending', ...fresh }, undefined), 'pending');
    assert.equal(shownState({ state: 'running', ...fresh }, undefined), 'starting');
    assert.equal(shownState({ state: 'pending', ...fresh }, lease({ state: 'idle' })), 'idle');
    const spoke = { spoke: true };
    assert.equal(shownState({ state: 'running', ...spoke }, lease({ state: 'busy' })), 'busy');
    assert.equal(shownState({ state: 'running', ...spoke }, lease({ silentMs: 5001 })), 'silent');
    assert.equal(shownState({ state: 'running', ...spoke }, undefined), 'stopping');
    assert.equal(shownState({ state: 'shutting-down', ...spoke }, lease()), 'stopping');
  });

  it('is counted from what could be read; what could not is no zero', () => {
    const instances = ['a', 'b', 'c'].map((id) => ({
      id,
      state: 'running' as const,
      spoke: false,
    }));
    const leases = new Map([
      ['a', lease({ state: 'busy', inHand: 3 })],
      ['b', lease({ state: 'drained' })],
    ]);
    assert.deepEqual(fleetPoint(9, instances, leases, { count: 5 }), {
      at: 9,
      waiting: 2,
      inWork: 3,
      serving: 1,
      booting: 1,
    });
    // The answers are out, the lease still tells of the photos.
    assert.equal(fleetPoint(9, instances, leases, { count: 1 }).waiting, 0);
    assert.deepEqual(fleetPoint(9, undefined, undefined, undefined), {
      at: 9,
      waiting: null,
      inWork: null,
      serving: null,
      booting: null,
    });
  });
});
