import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Figures } from '../../cloud/redis/measurements.ts';
import type { StatusReading } from '../../cloud/redis/scaler-status.ts';
import { HttpError } from '../http-error.ts';
import { openWaitForecast, secondsToAnswer } from './wait-forecast.ts';

const NOW = 1_000_000_000;

describe('how long a photo would wait', () => {
  const fleet = { startsIn: [], launchable: 0, bootSeconds: 45, serviceSeconds: 0.1 };
  for (const [what, ahead, more, seconds] of [
    ['one instance that serves', 99, { startsIn: [0] }, 10],
    ['two of them', 99, { startsIn: [0, 0] }, 5],
    ['a fleet at zero, with room for twenty', 999, { launchable: 20 }, 50],
    ['one that serves and one that is booting', 199, { startsIn: [0, 10] }, 15],
    ['one that serves until the others come', 449, { startsIn: [0], launchable: 19 }, 45],
    ['no fleet at all', 0, {}, Number.POSITIVE_INFINITY],
  ] as const) {
    it(`is known of ${what}`, () => {
      const forecast = secondsToAnswer(ahead, { ...fleet, ...more });
      assert.ok(forecast === seconds || Math.abs(forecast - seconds) < 0.001, `${forecast}`);
    });
  }
});

describe('a photo at the door', () => {
  const instance = { id: 'i', name: 'n', launchedAt: NOW, spot: false, type: null };
  const serving = { ...instance, state: 'running', spoke: true } as const;
  const figures: Figures = {
    arrivals: { perSecond: 1, weight: 1 },
    service: { busySeconds: 10, finished: 20 },
    boot: { seconds: 40, count: 1 },
  };
  const status: StatusReading = {
    role: 'leader',
    policy: 'threshold',
    largestFleet: 2,
    instances: [serving, serving],
    decisions: [],
    silentMs: 0,
  };
  /** @returns the refusal, if any; a request takes half a second */
  async function ask(
    waiting: { count: number; abandoned?: number },
    told: Partial<StatusReading> | null = {},
    measured: Figures | null = figures,
  ): Promise<HttpError | undefined> {
    const outlook = openWaitForecast({
      pressure: { read: async () => ({ abandoned: 0, ...waiting }) },
      scaler: { read: async () => (told === null ? undefined : { ...status, ...told }) },
      figures: {
        read: async () => (measured === null ? undefined : { figures: measured, ageSeconds: 0 }),
      },
      requestSeconds: 100,
      now: () => NOW,
    });
    return outlook.requireTimely().then(
      () => undefined,
      (error) => (error instanceof HttpError ? error : assert.fail(error)),
    );
  }

  it('is refused, with the time to come again, when it cannot be answered in time', async () => {
    assert.equal(await ask({ count: 350 }), undefined);
    const refused = await ask({ count: 400 });
    assert.deepEqual(
      [refused?.status, refused?.code, refused?.retryAfter],
      [503, 'overloaded', 11],
    );
  });

  it('does not wait for work that no client waits for', async () => {
    assert.equal(await ask({ count: 1000, abandoned: 800 }), undefined);
  });

  it('does not wait for requests that only Redis still counts', async () => {
    assert.equal(await ask({ count: 1000 }, { demand: 200 }), undefined);
    assert.equal((await ask({ count: 1000 }, { demand: 500 }))?.code, 'overloaded');
  });

  it('is taken in by a fleet at zero that will be large enough in time', async () => {
    const told = { instances: [], largestFleet: 20 };
    assert.equal(await ask({ count: 1000 }, told), undefined);
    assert.equal((await ask({ count: 3000 }, told))?.code, 'overloaded');
  });

  it('is taken in where nobody knows what the fleet is', async () => {
    const many = { count: 1_000_000 };
    assert.equal(await ask(many, null), undefined);
    assert.equal(await ask(many, { silentMs: 60_000 }), undefined);
    assert.equal(await ask(many, {}, null), undefined);
  });

  it('counts those that came since the fleet was looked at', async () => {
    const outlook = openWaitForecast({
      pressure: { read: async () => ({ count: 0, abandoned: 0 }) },
      scaler: { read: async () => status },
      figures: { read: async () => ({ figures, ageSeconds: 0 }) },
      requestSeconds: 10,
      now: () => NOW,
    });
    const asked = await Promise.allSettled(
      Array.from({ length: 60 }, () => outlook.requireTimely()),
    );
    const taken = asked.filter(({ status }) => status === 'fulfilled').length;
    assert.equal(taken, 36);
  });
});
