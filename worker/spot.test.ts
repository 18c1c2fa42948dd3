import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openLeases } from '../cloud/redis/leases.ts';
import { testInstance } from '../local/ec2/fleet/instance.fixture.ts';
import type { Instance } from '../local/ec2/fleet/instance.ts';
import { type MetadataService, startMetadataService } from '../local/imds.ts';
import { until } from '../test/condition.fixture.ts';
import { giveBackAfter } from './spot.ts';
import { environmentOf, spawnWorker, type WorkerProcess } from './start.fixture.ts';
import { type Bench, openBench } from './worker.fixture.ts';

it('leaves ten seconds to give back what is not finished, of a short notice a quarter', () => {
  assert.equal(giveBackAfter(120_000), 110_000);
  assert.equal(giveBackAfter(8000), 6000);
  assert.equal(giveBackAfter(-1), 0);
});

describe('a worker on a spot instance', { timeout: 120_000, concurrency: 3 }, () => {
  const closing: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const close of closing.toReversed()) await close();
  });

  /** A bench with one worker whose instance's metadata the test may change. */
  async function start(): Promise<{ bench: Bench; worker: WorkerProcess; instance: Instance }> {
    // So long that nothing comes back but by being given back.
    const bench = await openBench({ VISIBILITY_SECONDS: 600 });
    closing.push(() => bench.close());
    const instance = testInstance({ spot: { requestId: 'sir-01234567', persistent: false } });
    const metadata: MetadataService = await startMetadataService(instance);
    closing.push(() => metadata.close());
    const worker = spawnWorker({
      ...environmentOf(bench),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
    });
    closing.push(() => {
      worker.child.kill('SIGTERM');
      return worker.exit;
    });
    return { bench, worker, instance };
  }

  it('finishes what is in hand on a notice, takes nothing more and says that it has drained', async () => {
    const { bench, worker, instance } = await start();
    const sent = await bench.send('held.jpg', 'held gate');
    await until('the photo to be in work', () => bench.computed().includes('held gate'));
    instance.interruptionAt = new Date(Date.now() + 120_000);
    await until('it to hear', () => worker.said().includes('Spot notice'));
    const lease = async () =>
      (await openLeases(bench.redis, bench.cloud.names.keys).read([instance.id])).get(instance.id);
    await until('it to be draining', async () => (await lease())?.state === 'draining');
    writeFileSync(join(bench.folder, 'gate'), '');
    assert.ok('match' in (await bench.reply(sent)));
    await until('it to have drained', async () => (await lease())?.state === 'drained');
    const late = await bench.send('late.jpg', 'face Late');
    const [waiting] = await bench.requests.receive({ most: 1, waitSeconds: 1 });
    assert.ok(waiting?.body.includes(late.id));
    assert.deepEqual(bench.computed(), ['held gate']);
  });

  it('gives back before its end what it cannot finish, so that another one has it at once', async () => {
    const { bench, worker, instance } = await start();
    const sent = await bench.send('long.jpg', 'held never');
    const next = await bench.send('next.jpg', 'face Next');
    await until('the photo to be in work', () => bench.computed().length === 1);
    const end = Date.now() + 12_000;
    instance.interruptionAt = new Date(end);
    await until('both to be free again', async () => (await bench.requests.depth()).visible === 2);
    assert.ok(Date.now() < end, 'before it is interrupted');
    assert.match(worker.said(), /Not finished: given back for another worker/);
    assert.deepEqual(bench.computed(), ['held never']);

    writeFileSync(join(bench.folder, 'never'), '');
    const second = spawnWorker(environmentOf(bench));
    for (const one of [sent, next]) assert.ok('match' in (await bench.reply(one)));
    await bench.atRest();
    second.child.kill('SIGTERM');
    assert.equal(await second.exit, 0);
  });

  it('only notes a recommendation to rebalance, once, and works on', async () => {
    const { bench, worker, instance } = await start();
    instance.rebalanceAt = new Date();
    const words = 'recommends to rebalance';
    await until('it to hear', () => worker.said().includes(words));
    assert.ok('match' in (await bench.reply(await bench.send('on.jpg', 'face Ann'))));
    // A notice that comes later is read by a later look: the recommendation was seen twice by then.
    instance.interruptionAt = new Date(Date.now() + 120_000);
    await until('the notice', () => worker.said().includes('Spot notice'));
    assert.equal(worker.said().split(words).length, 2);
  });
});
