import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { type Leadership, openLeadership } from '../../cloud/redis/leader.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { keepLead, type Lead } from './lead.ts';

describe('the lead', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let redis: Redis;
  let key = 0;
  const kept: Lead[] = [];
  before(async () => {
    cloud = await startTestCloud();
    redis = cloud.redis.client;
  });
  after(() => cloud.close());

  afterEach(async () => {
    for (const lead of kept.splice(0)) await lead.stop(true);
  });

  const keep = (...args: Parameters<typeof keepLead>): Lead => {
    const lead = keepLead(...args);
    kept.push(lead);
    return lead;
  };
  const watch = (keys: string, holder: string): Lead =>
    keep(openLeadership(redis, keys, holder), { log: silent });
  const leads = (lead: Lead, limitMs?: number) =>
    until('the lead', () => lead.role === 'leader', limitMs === undefined ? {} : { limitMs });

  /** A leadership that Redis may be taken away from, and a clock that goes on only by leaps. */
  function shaky({ away = false } = {}) {
    const real = openLeadership(redis, `shaky-${key++}`, 'one');
    const state = { away, clock: 0, failed: 0 };
    const leadership: Leadership = {
      lead: async () => {
        if (!state.away) return real.lead();
        state.failed += 1;
        throw new Error('Connection is closed.');
      },
      resign: () => real.resign(),
    };
    return { state, lead: keep(leadership, { log: silent, now: () => state.clock }) };
  }

  it('is one scaler’s, and another’s at once when that one resigns', async () => {
    const one = watch('resign', 'one');
    await leads(one);
    const two = watch('resign', 'two');
    await until('a look', () => two.role === 'standby' && one.role === 'leader');
    await one.stop(true);
    await leads(two, 2000);
    assert.equal(two.term, 1);
  });

  it('is another’s within 5 s when its holder falls silent', async () => {
    const one = watch('silence', 'one');
    await leads(one);
    const two = watch('silence', 'two');
    await one.stop(false);
    await leads(two, 5000);
  });

  it('outlasts a Redis that is away, alone after a while, and is the same when it is back', async () => {
    const { state, lead } = shaky();
    await leads(lead);
    state.away = true;
    await until('a failed call', () => state.failed > 0);
    assert.equal(lead.role, 'leader', 'the lock still holds');
    state.clock += 4000;
    assert.equal(lead.role, 'waiting', 'the lock may have ended');
    state.clock += 4000;
    assert.equal(lead.role, 'alone');
    state.away = false;
    await leads(lead);
    assert.equal(lead.term, 1);
  });

  it('is not taken by one that was never given it, however long Redis is away', async () => {
    const { state, lead } = shaky({ away: true });
    await until('failed calls', () => state.failed > 2);
    state.clock += 60_000;
    assert.equal(lead.role, 'standby');
  });

  it('must be asked for again by a process that was paused', async () => {
    const { state, lead } = shaky();
    await leads(lead);
    state.clock += 60_000;
    assert.equal(lead.role, 'waiting');
    await leads(lead);
  });
});
