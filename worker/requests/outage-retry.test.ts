import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { DeleteQueueCommand, GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { provision } from '../../cloud/aws/provision.ts';
import { openDeadLetters } from '../../cloud/aws/sqs/dead-letters.ts';
import { type FaultProxy, startFaultProxy } from '../../test/chaos/faults/proxy.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { startWorker, type WorkerService } from '../service.ts';
import { type Bench, openBench, startDouble } from '../worker.fixture.ts';

const MAX_RECEIVES = 2;
const PHOTOS = 12;
const HOUR_MS = 3_600_000;

describe('a worker while a service that answers need is away', { timeout: 120_000 }, () => {
  let bench: Bench;
  let proxy: FaultProxy;
  let worker: WorkerService;
  before(async () => {
    bench = await openBench({ MAX_RECEIVES });
    const { port } = new URL(bench.cloud.settings.AWS_ENDPOINT_URL ?? '');
    proxy = await startFaultProxy({ port: Number(port), chance: () => 0, onDone: () => {} });
  });
  after(async () => {
    await proxy.close();
    await bench.close();
  });
  beforeEach(async () => {
    const settings = { ...bench.cloud.settings, AWS_ENDPOINT_URL: proxy.url };
    const inference = startDouble(settings);
    worker = await startWorker({ settings, instanceId: 'i-0patient', log: silent, inference });
  });
  afterEach(() => worker.stop());

  const noLetters = async (): Promise<void> =>
    assert.deepEqual(await openDeadLetters(bench.deadLetters).all(), []);

  it('spends no delivery while S3 throttles, for longer than every retry there is', async () => {
    const rule = { service: 's3', fault: 'throttle', share: 1 } as const;
    proxy.add(rule);
    const sent = await Promise.all(
      Array.from({ length: PHOTOS }, (_, at) => bench.send(`photo_${at}.jpg`, `face ${at}`)),
    );
    const sentAt = Date.now() - HOUR_MS;
    sent.push(await bench.send('clock_behind.jpg', 'face Eve', { sentAt }));
    const hits = proxy.hits;
    await until('many refusals', () => proxy.hits - hits > 30, { limitMs: 60_000 });
    proxy.remove(rule);
    for (const one of sent) assert.ok('match' in (await bench.reply(one, 60_000)), one.file);
    const replies = (await bench.hear()).filter(({ id }) => sent.some((one) => one.id === id));
    assert.deepEqual([...new Set(replies.map(({ deliveries }) => deliveries))], [1]);
    await noLetters();
    await bench.atRest();
  });

  it('keeps answers while the reply queue is deleted, and sends them when it is there again', async () => {
    const { clients, names, settings } = bench.cloud;
    const queue = await clients.sqs.send(new GetQueueUrlCommand({ QueueName: names.replyQueue }));
    await clients.sqs.send(new DeleteQueueCommand({ QueueUrl: queue.QueueUrl }));
    const sent = await bench.send('unanswered.jpg', 'face Ann');
    await until('its output', () => bench.results.find(sent.file));
    await provision(clients, settings);
    assert.ok('match' in (await bench.reply(sent, 60_000)));
    await noLetters();
    await bench.atRest();
  });

  it('gives back what it holds when it leaves, for another worker to finish', async () => {
    const rule = { service: 's3', fault: 'throttle', share: 1 } as const;
    proxy.add(rule);
    const hits = proxy.hits;
    const sent = await bench.send('left.jpg', 'face Bob');
    await until('some refusals', () => proxy.hits - hits > 3, { limitMs: 30_000 });
    await worker.drain();
    proxy.remove(rule);
    const inference = startDouble(bench.cloud.settings);
    const { settings } = bench.cloud;
    const other = await startWorker({ settings, instanceId: 'i-0other', log: silent, inference });
    assert.ok('match' in (await bench.reply(sent)));
    await other.stop();
    await noLetters();
  });
});
