import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type LeaseReading, type Leases, openLeases } from '../cloud/redis/leases.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { isAlive } from '../test/start.fixture.ts';
import { startWorker, type WorkerService } from './service.ts';
import { environmentOf, spawnCommand, spawnWorker } from './start.fixture.ts';
import { type Bench, openBench, startDouble } from './worker.fixture.ts';

describe('a worker’s lease and its leaving', { timeout: 120_000 }, () => {
  let bench: Bench;
  let leases: Leases;
  before(async () => {
    bench = await openBench();
    leases = openLeases(bench.redis, bench.cloud.names.keys);
  });
  after(() => bench.close());

  const start = (instanceId: string): Promise<WorkerService> =>
    startWorker({
      settings: bench.cloud.settings,
      instanceId,
      log: silent,
      inference: startDouble(bench.cloud.settings),
    });
  const leaseWhen = (
    id: string,
    what: string,
    fits: (lease: LeaseReading) => boolean,
  ): Promise<LeaseReading> =>
    until(`the lease to be ${what}`, async () => {
      const lease = (await leases.read([id])).get(id);
      return lease !== undefined && fits(lease) && lease;
    });
  const inState = (id: string, state: string) =>
    leaseWhen(id, state, (lease) => lease.state === state);
  const open = (gate: string): void => writeFileSync(join(bench.folder, gate), '');
  const inferencePid = (): number =>
    Number(
      readFileSync(join(bench.folder, 'started'), 'utf8').trim().split('\n').at(-1)?.split(' ')[0],
    );

  it('tells that it starts, idles, for how long, and is busy with how many', async () => {
    const worker = await start('i-1');
    await leaseWhen('i-1', 'there', ({ state }) => state === 'starting' || state === 'idle');
    await leaseWhen('i-1', 'idle for a second', ({ state, forMs }) => {
      return state === 'idle' && forMs >= 1000;
    });
    const sent = await bench.send('busy.jpg', 'held busy-gate');
    const busy = await inState('i-1', 'busy');
    assert.equal(busy.inHand, 1);
    assert.equal(busy.finished, 0);
    open('busy-gate');
    await bench.reply(sent);
    const idle = await inState('i-1', 'idle');
    assert.equal(idle.inHand, 0);
    assert.equal(idle.finished, 1);
    assert.ok(idle.forMs < 5000);
    await worker.stop();
    assert.equal((await inState('i-1', 'drained')).finished, 1);
  });

  it('asked to drain, it finishes what is in hand, takes nothing more, and waits to be terminated', async () => {
    const worker = await start('i-2');
    const first = await bench.send('first.jpg', 'held drain-gate');
    await until('the first to be in work', () => bench.computed().includes('held drain-gate'));
    await leases.askToDrain('i-2');
    const draining = await inState('i-2', 'draining');
    assert.equal(draining.inHand, 1);
    // The poll that is open may still bring one; it is what is sent after it that must stay.
    await until('the open poll to end', async () => {
      const probe = await bench.send('probe.jpg', 'face Probe');
      const [message] = await bench.requests.receive({ most: 1, waitSeconds: 1 });
      if (message === undefined) return false;
      await bench.requests.delete(message.receipt);
      await bench.pressure.finish(probe.id, probe.file);
      return true;
    });
    const late = await bench.send('late.jpg', 'face Late');
    open('drain-gate');
    const outcome = await bench.reply(first);
    assert.ok('match' in outcome);
    const drained = await inState('i-2', 'drained');
    assert.equal(drained.inHand, 0);
    assert.equal((await bench.requests.depth()).visible, 1);
    assert.equal(bench.computed().includes('face Late'), false);
    assert.equal(await isAlive(inferencePid()), false);
    await leaseWhen('i-2', 'renewed a second later', ({ state, forMs }) => {
      return state === 'drained' && forMs >= 1000;
    });
    assert.equal(worker.state, 'drained');
    await worker.stop();

    const next = await start('i-3');
    assert.ok('match' in (await bench.reply(late)));
    await bench.atRest();
    await next.stop();
  });

  it('SIGTERM while it computes: the request is answered, then it exits with 0', async () => {
    const worker = spawnWorker(environmentOf(bench));
    const sent = await bench.send('term.jpg', 'held term-gate');
    await until('the photo to be in work', () => bench.computed().includes('held term-gate'));
    worker.child.kill('SIGTERM');
    await until('the word that it drains', () => worker.said().includes('Draining'));
    open('term-gate');
    assert.equal(await worker.exit, 0);
    assert.ok('match' in (await bench.reply(sent)));
    await bench.atRest();
    const line = worker
      .said()
      .split('\n')
      .find((text) => text.includes('"Answered"'));
    const logged = JSON.parse(line ?? '{}');
    assert.equal(logged.request, sent.id);
    assert.equal(logged.outcome, 'match');
    assert.ok(logged.ms.compute >= 0 && logged.ms.total >= logged.ms.compute);
    assert.doesNotMatch(worker.said(), /term-gate/);
  });

  it('SIGTERM before the model is loaded ends it with 0', async () => {
    const worker = spawnWorker(environmentOf(bench));
    await until('it to have started', () => worker.said().includes('"Started"'));
    worker.child.kill('SIGTERM');
    assert.equal(await worker.exit, 0);
  });

  it('leaves at once when the process that started it is gone, and its inference with it', async () => {
    const worker = spawnWorker(environmentOf(bench));
    const sent = await bench.send('orphan.jpg', 'held orphan-gate');
    await until('the photo to be in work', () => bench.computed().includes('held orphan-gate'));
    const pid = inferencePid();
    worker.child.disconnect();
    // Node emits no `close` for a child that was disconnected by hand.
    assert.deepEqual(await once(worker.child, 'exit'), [1, null]);
    await until('the inference process to be gone', async () => !(await isAlive(pid)));
    assert.equal((await bench.hear()).filter(({ id }) => id === sent.id).length, 0);
    await bench.requests.purge();
    await bench.pressure.finish(sent.id, sent.file);
  });

  it('a machine without a model: one clear sentence, exit code 1', async () => {
    const worker = spawnCommand(['--model', join(bench.folder, 'nowhere')], environmentOf(bench));
    assert.equal(await worker.exit, 1);
    assert.match(worker.said(), /There is no converted model in \S*nowhere: convert it/);
  });

  it('a wrong flag or setting is named, exit code 2', async () => {
    const flag = spawnCommand(['--threads', '0'], environmentOf(bench));
    assert.equal(await flag.exit, 2);
    assert.match(flag.said(), /THREADS must be at least 1/);
    const { REDIS_URL, ...rest } = environmentOf(bench);
    const setting = spawnCommand([], rest);
    assert.equal(await setting.exit, 2);
    assert.match(setting.said(), /REDIS_URL is not set/);
  });
});

describe('a worker while Redis is away', { timeout: 60_000 }, () => {
  let bench: Bench;
  let worker: WorkerService;
  before(async () => {
    bench = await openBench();
    worker = await startWorker({
      settings: { ...bench.cloud.settings, REDIS_URL: 'redis://127.0.0.1:1' },
      instanceId: 'i-1',
      log: silent,
      inference: startDouble(bench.cloud.settings),
    });
  });
  after(async () => {
    await worker.stop();
    await bench.close();
  });

  const queueEmpty = () =>
    until('the queue to be empty', async () => {
      const { visible, inFlight } = await bench.requests.depth();
      return visible + inFlight === 0;
    });

  it('answers requests all the same', async () => {
    const sent = await bench.send('away.jpg', 'face Ann');
    assert.ok('match' in (await bench.reply(sent)));
    await queueEmpty();
  });

  it('moves a photo that was set aside to a free name, and replaces none', async () => {
    await bench.photos.put('taken.jpg', Buffer.from('face Other'), 'image/jpeg');
    for (const [file, then] of [
      ['free.jpg', 'face Ann'],
      ['taken.jpg', 'face Other'],
    ] as const) {
      const sent = await bench.send(file, 'face Ann', { aside: true });
      assert.ok('match' in (await bench.reply(sent)));
      await queueEmpty();
      assert.equal(Buffer.from((await bench.photos.get(file)) ?? []).toString(), then);
      assert.equal(await bench.photos.get(`~/${sent.id}/${file}`), undefined);
    }
  });
});
