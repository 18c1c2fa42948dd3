import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { encodeRequest, KEPT } from '../../cloud/contract/messages.ts';
import { openRelay } from '../../cloud/redis/relay.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { Activity } from '../activity.ts';
import { startWorker } from '../service.ts';
import { type Bench, openBench, startDouble } from '../worker.fixture.ts';
import { postponer } from './postpone.ts';

describe('work whose client has left', { timeout: 120_000 }, () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  it('is done after that of those who wait, and still done', async () => {
    const left = await Promise.all(
      [1, 2, 3].map((i) => bench.send(`left_${i}.jpg`, `face Left${i}`)),
    );
    for (const { id } of left) await bench.pressure.abandon(id);
    const stays = await Promise.all(
      [1, 2, 3].map((i) => bench.send(`stays_${i}.jpg`, `face Stays${i}`)),
    );
    assert.deepEqual((await bench.pressure.read()).abandoned, 3);
    const worker = await startWorker({
      settings: bench.cloud.settings,
      instanceId: 'i-0',
      log: silent,
      inference: startDouble(bench.cloud.settings),
    });
    for (const one of stays) assert.ok('match' in (await bench.reply(one)));
    for (const one of left) assert.ok('match' in (await bench.reply(one)));
    await bench.atRest();
    const order = bench.computed().map((text) => /Left|Stays/.exec(text)?.[0]);
    assert.deepEqual(order, ['Stays', 'Stays', 'Stays', 'Left', 'Left', 'Left']);
    assert.equal((await bench.pressure.read()).abandoned, 0);
    for (const { file } of left) assert.ok(await bench.results.find(file));
    await worker.stop();
  });

  it('is done at once when nobody else waits, and when its answer is kept for later', async () => {
    const [alone, kept, dead] = [randomUUID(), randomUUID(), randomUUID()];
    const sent: string[] = [];
    const relay = openRelay(bench.redis, bench.cloud.names.keys);
    await relay.listen(
      'here',
      () => {},
      () => {},
    );
    const activity = new Activity();
    activity.take();
    let now = 0;
    let visible = 1;
    const postpone = postponer({
      requests: {
        send: async (body) => void sent.push(body),
        depth: async () => ({ visible, inFlight: 0, delayed: 0 }),
      },
      pressure: bench.pressure,
      relay,
      activity,
      log: silent,
      now: () => now,
    });
    const ask = (id: string, node: string, deliveries = 1, attributes = {}): Promise<boolean> => {
      const request = { id, file: 'a.jpg', key: 'a.jpg', node, sentAt: 1 };
      const body = encodeRequest(request);
      const message = { messageId: '', body, receipt: '', deliveries, sentAt: 0, attributes };
      return postpone(message, request);
    };
    for (const id of [alone, kept, dead]) await bench.pressure.begin(id, 'a.jpg');
    for (const id of [kept, dead]) await bench.pressure.finish(id, 'a.jpg');
    await bench.pressure.abandon(alone);
    assert.equal(await ask(alone, 'here'), false, 'nobody else waits');
    const waiting = randomUUID();
    await bench.pressure.begin(waiting, 'b.jpg');
    assert.equal(await ask(alone, 'here'), true);
    assert.equal(await ask(alone, 'here', 2), false, 'it may be what ended a worker');
    assert.equal(await ask(kept, KEPT), false);
    assert.equal(await ask(waiting, 'here'), false);
    // A web node may have lost Redis for a moment.
    assert.equal(await ask(dead, 'gone'), false);
    now = 30_000;
    assert.equal(await ask(dead, 'gone'), true);
    assert.equal(await ask(alone, 'here', 1, { postponed: '7' }), true);
    assert.equal(await ask(alone, 'here', 1, { postponed: '8' }), false, 'often enough');
    visible = 0;
    now = 31_000;
    // `waiting` is counted, but the queue knows of no such request.
    assert.equal(await ask(alone, 'here'), false);
    assert.equal(sent.length, 3);
    for (const [id, file] of [
      [alone, 'a.jpg'],
      [waiting, 'b.jpg'],
    ] as const) {
      await bench.pressure.finish(id, file);
    }
    relay.close();
  });

  it('is done as ever while Redis cannot say', async () => {
    const postpone = postponer({
      requests: {
        send: async () => assert.fail('postponed'),
        depth: async () => ({ visible: 1, inFlight: 0, delayed: 0 }),
      },
      pressure: {
        ...bench.pressure,
        isAbandoned: () => Promise.reject(new Error('Redis is away')),
      },
      relay: { hears: async () => true },
      activity: new Activity(),
      log: silent,
    });
    const request = { id: randomUUID(), file: 'a.jpg', key: 'a.jpg', node: 'here', sentAt: 1 };
    const message = {
      messageId: '',
      body: '',
      receipt: '',
      deliveries: 1,
      sentAt: 0,
      attributes: {},
    };
    assert.equal(await postpone(message, request), false);
  });
});
