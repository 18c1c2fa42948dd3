import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { Activity } from './activity.ts';
import { type UnneededWatch, watchUnneeded } from './unneeded.ts';

describe('a worker that nobody needs', { timeout: 60_000 }, () => {
  let watching: UnneededWatch;
  let clock = 0;
  let looks = 0;
  let leaseReads = 0;
  let leads = true;
  let ended = false;
  const activity = new Activity(() => clock);
  const open = (): void => {
    ended = false;
    watching = watchUnneeded({
      leads: async () => {
        looks += 1;
        if (!leads) throw new Error('Redis is away');
        return leads;
      },
      activity: {
        get lease() {
          leaseReads += 1;
          return activity.lease;
        },
      },
      aloneMs: 1000,
      log: silent,
      lookMs: 1,
      now: () => clock,
    });
    void watching.unneeded.then(() => {
      ended = true;
    });
  };
  const pass = async (ms: number): Promise<void> => {
    clock += ms;
    const from = leaseReads;
    await until('looks', () => leaseReads > from + 2 || ended);
  };
  afterEach(() => watching.stop());

  it('is one without scaler and work for the set time, not one that a scaler leads or that works', async () => {
    open();
    for (let i = 0; i < 5; i++) await pass(900);
    assert.ok(!ended && looks > 5);
    leads = false;
    activity.ready();
    activity.take();
    for (let i = 0; i < 5; i++) await pass(900);
    activity.letGo(true);
    await pass(1);
    await pass(900);
    assert.ok(!ended, 'it worked until just now');
    await pass(200);
    await until('its end', () => ended);
  });

  it('is one that has drained, whoever leads', async () => {
    leads = true;
    activity.drained();
    open();
    await pass(900);
    assert.ok(!ended);
    await pass(1000);
    await until('its end', () => ended);
  });
});
