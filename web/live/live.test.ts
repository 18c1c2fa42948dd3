import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import type { PublishedStatus } from '../../cloud/contract/scaler-status.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import type { FleetPoint } from '../../cloud/redis/fleet-view.ts';
import { type Leases, openLeases } from '../../cloud/redis/leases.ts';
import { openPressure, type Pressure } from '../../cloud/redis/pressure.ts';
import { openScalerStatus, type ScalerStatusStore } from '../../cloud/redis/scaler-status.ts';
import { countOld, silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { formBody, plainPhoto, post } from '../../test/form.fixture.ts';
import { type RunningApp, startApp } from '../app.fixture.ts';
import { startWeb } from '../service.ts';
import { Answers } from './answers.ts';
import { type Live, type LiveOptions, openLive } from './live.ts';
import { type LiveState, liveHistorySchema, liveStateSchema } from './state.ts';
import { openStream, type Stream } from './stream.fixture.ts';

const status = (state: PublishedStatus['instances'][number]['state']): PublishedStatus => ({
  role: 'leader',
  policy: 'threshold',
  largestFleet: 5,
  instances: [
    {
      id: 'i-1',
      name: 'app-tier-instance-1',
      state,
      launchedAt: 1000,
      spoke: false,
      spot: true,
      type: 'c7i.large',
    },
  ],
  decisions: [{ at: 2000, what: 'launch app-tier-instance-1', reason: 'a request waits' }],
});
const point: FleetPoint = { at: 3000, waiting: 1, inWork: 2, serving: 3, booting: 4 };

describe('the live view', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let redis: Redis;
  let scaler: ScalerStatusStore;
  let leases: Leases;
  let keys: string;
  let pressure: Pressure;
  let app: RunningApp;
  let live: Live;
  let streams: Stream[];
  let looks: number;
  let project = 0;

  before(async () => {
    cloud = await startTestCloud();
    redis = connectRedis(cloud.settings.REDIS_URL ?? '', 'test', silent);
  });
  after(async () => {
    redis.disconnect();
    await cloud.close();
  });
  beforeEach(() => {
    keys = `live-test-${project++}`;
    scaler = openScalerStatus(redis, keys);
    leases = openLeases(redis, keys);
    pressure = openPressure(redis, keys, 60_000);
    streams = [];
    looks = 0;
  });
  afterEach(async () => {
    for (const stream of streams) stream.leave();
    live.stop();
    await app.stop();
  });

  async function start(options: LiveOptions = {}): Promise<void> {
    const read = (): ReturnType<Pressure['read']> => {
      looks += 1;
      return pressure.read();
    };
    const sources = { pressure: { read }, leases, scaler, answers: new Answers() };
    live = openLive(sources, silent, options);
    app = await startApp({ parts: { live } });
  }
  async function watch(): Promise<Stream> {
    const stream = await openStream(`${app.url}live`);
    streams.push(stream);
    return stream;
  }
  const stateWhere = async (stream: Stream, fits: (state: LiveState) => boolean) =>
    liveStateSchema.parse(
      (await stream.next('state', (data) => fits(liveStateSchema.parse(data)))).data,
    );
  const instanceState = ({ instances }: LiveState) => instances[0]?.state;

  it('tells the history once and the state each second, by their schema', async () => {
    await scaler.publish(status('running'), point);
    await leases.renew('i-1', { state: 'busy', forMs: 500, inHand: 1, finished: 7 });
    await countOld(redis, keys, ['one'], 5000);
    await pressure.begin('two', 'b.jpg');
    await start();
    const bytes = await plainPhoto();
    const photos = ['a.jpg', 'b.jpg', 'c.jpg'].map((fileName) => ({ fileName, bytes }));
    await post(`${app.url}v1/recognitions`, formBody(photos));
    const stream = await watch();
    assert.equal(stream.response.headers.get('content-type'), 'text/event-stream');
    assert.match(stream.response.headers.get('cache-control') ?? '', /no-store/);
    const history = liveHistorySchema.parse((await stream.next('history')).data);
    assert.deepEqual(history.points, [{ ...point, answered: 0 }]);
    const state = await stateWhere(stream, () => true);
    const { at: _, answered: __, ...now } = state.now;
    assert.deepEqual(now, { waiting: 1, inWork: 1, serving: 1, booting: 0 });
    assert.ok((state.oldestSeconds ?? 0) >= 5);
    const [instance] = state.instances;
    assert.ok((instance?.seconds ?? 0) >= 0.5);
    assert.deepEqual(
      { ...instance, seconds: 0 },
      {
        id: 'i-1',
        name: 'app-tier-instance-1',
        state: 'busy',
        seconds: 0,
        inHand: 1,
        finished: 7,
        spot: true,
        type: 'c7i.large',
      },
    );
    assert.deepEqual(
      [state.scaler, state.policy, state.largestFleet, state.decisions.length],
      ['leader', 'threshold', 5, 1],
    );
    const answered = await stateWhere(stream, ({ answers }) => answers.perSecond > 0);
    assert.equal(answered.answers.perSecond, 3 / 60);
    assert.ok((answered.answers.p50 ?? 0) > 0 && (answered.answers.p95 ?? 0) < 15);
  });

  it('shows what a worker does within two seconds', async () => {
    await scaler.publish(status('running'), point);
    await start();
    const stream = await watch();
    await stateWhere(stream, (state) => instanceState(state) === 'starting');
    for (const state of ['idle', 'busy', 'draining', 'drained'] as const) {
      await leases.renew('i-1', { state, forMs: 0, inHand: 0, finished: 0 });
      const toldAt = performance.now();
      await stateWhere(stream, (seen) => instanceState(seen) === state);
      assert.ok(performance.now() - toldAt < 2000, state);
    }
    await scaler.publish(status('shutting-down'), point);
    await stateWhere(stream, (state) => instanceState(state) === 'stopping');
  });

  it('says when the scaler is gone; of its fleet those are left that speak', async () => {
    const [one] = status('running').instances;
    const two = { ...(one ?? assert.fail()), id: 'i-2', name: 'app-tier-instance-2' };
    await scaler.publish({ ...status('running'), instances: [one, two] }, point);
    await leases.renew('i-2', { state: 'idle', forMs: 0, inHand: 0, finished: 0 });
    await start();
    const stream = await watch();
    const before = await stateWhere(stream, () => true);
    assert.deepEqual([before.scaler, before.instances.length], ['leader', 2]);
    // As if it had last spoken eleven seconds ago.
    await redis.pexpire(`live-test-${project - 1}:scaler-status`, 600_000 - 11_000);
    const after = await stateWhere(stream, (state) => state.scaler === null);
    assert.deepEqual(
      after.instances.map(({ id }) => id),
      ['i-2'],
    );
    assert.equal(after.now.serving, 1);
  });

  it('makes each state once: all viewers get the same bytes, also who comes later', async () => {
    await start();
    const first = await watch();
    const { id } = await first.next('state');
    const others = await Promise.all(Array.from({ length: 9 }, watch));
    for (const other of others) {
      const points = liveHistorySchema.parse((await other.next('history')).data).points;
      assert.ok(points.every(({ at }) => at <= Number(id)));
    }
    const seen = await first.next('state');
    for (const other of others) {
      const same = await other.next(
        'state',
        (data) => liveStateSchema.parse(data).now.at >= Number(seen.id),
      );
      assert.equal(same.text, seen.text);
    }
  });

  it('looks only while somebody watches, and the history goes on', async () => {
    await start({ lingerMs: 200 });
    assert.equal(live.isProducing, false);
    const first = await watch();
    await first.next('state');
    assert.equal(live.isProducing, true);
    first.leave();
    await until('the end of looking', () => !live.isProducing);
    const before = looks;
    await scaler.publish(status('running'), { ...point, at: 4000 });
    const second = await watch();
    const { data } = await second.next('history');
    assert.deepEqual(
      liveHistorySchema.parse(data).points.map(({ at }) => at),
      [4000],
    );
    await second.next('state');
    // With a timer left over of the first time there would be more.
    assert.equal(looks, before + 1);
  });

  it('who comes back at once finds it still at work, and it stays so', async () => {
    await start({ lingerMs: 1500 });
    const first = await watch();
    await first.next('state');
    first.leave();
    const second = await watch();
    const points = liveHistorySchema.parse((await second.next('history')).data).points;
    assert.ok(points.length <= 1);
    // Beyond the end that was set when the first had left.
    for (const look of [1, 2, 3]) assert.ok(await second.next('state'), `${look}`);
    assert.ok(looks >= 3);
  });

  it('takes so many viewers and no more, and another when one has left', async () => {
    await start({ mostViewers: 2 });
    const [first] = [await watch(), await watch()];
    const refused = await fetch(`${app.url}live`);
    assert.deepEqual(
      [refused.status, refused.headers.get('retry-after'), await refused.text()],
      [503, '5', 'There are too many viewers: try again later.'],
    );
    first?.leave();
    await until('room', async () => {
      const stream = await watch().catch(() => undefined);
      return stream !== undefined;
    });
  });

  it('says what it cannot know, while Redis is away, and goes on', async () => {
    const away = connectRedis('redis://127.0.0.1:1', 'away', silent);
    const sources = {
      pressure: openPressure(away, 'away', 1000),
      leases: openLeases(away, 'away'),
      scaler: openScalerStatus(away, 'away'),
      answers: new Answers(),
    };
    live = openLive(sources, silent);
    app = await startApp({ parts: { live } });
    const stream = await watch();
    assert.deepEqual((await stream.next('history')).data, { points: [] });
    for (const look of [1, 2]) {
      const state = await stateWhere(stream, () => true);
      const { waiting, inWork, serving } = state.now;
      assert.deepEqual(
        [waiting, inWork, serving, state.scaler],
        [null, null, null, null],
        `${look}`,
      );
    }
    away.disconnect();
  });

  it('a web node that stops ends every stream at once', async () => {
    const web = await startWeb({ ...cloud.settings, STOP_SECONDS: 60 }, silent);
    app = await startApp();
    const url = `http://127.0.0.1:${web.port}/live`;
    const watching = [await openStream(url), await openStream(url)];
    for (const stream of watching) await stream.next('state');
    const askedAt = performance.now();
    const stopped = web.stop();
    await Promise.all(watching.map((stream) => stream.ended()));
    await stopped;
    assert.ok(performance.now() - askedAt < 5000);
  });
});
