/**
 * A service away for long, with requests coming all the time: nothing is given up before its time.
 * OUTAGE_SECONDS=600 makes it as long as docs/reliability.md reports.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DeleteQueueCommand, GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { provision } from '../cloud/aws/provision.ts';
import { openDeadLetters } from '../cloud/aws/sqs/dead-letters.ts';
import { startFaultProxy } from '../test/chaos/faults/proxy.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { startWorker } from './service.ts';
import { type Bench, openBench, startDouble } from './worker.fixture.ts';

const OUTAGE_SECONDS = Number(process.env.OUTAGE_SECONDS ?? 4);
const PER_SECOND = 2;
/** Few, and soon counted: a delivery that is spent for the outage shows. */
const STRICT = { MAX_RECEIVES: 2, VISIBILITY_SECONDS: 5 };
/** For all that waits to be answered, also where other work shares the processor. */
const AFTERWARDS_MS = 60_000 + OUTAGE_SECONDS * 1000;

/** Takes a service away; the result brings it back. */
type Outage = (bench: Bench, proxy: Proxy) => Promise<() => Promise<void>>;
type Proxy = Awaited<ReturnType<typeof startFaultProxy>>;

const throttleS3: Outage = async (_, proxy) => {
  const rule = { service: 's3', fault: 'throttle', share: 1 } as const;
  proxy.add(rule);
  return async () => proxy.remove(rule);
};

const deleteReplyQueue: Outage = async ({ cloud: { clients, names, settings } }) => {
  const queue = await clients.sqs.send(new GetQueueUrlCommand({ QueueName: names.replyQueue }));
  await clients.sqs.send(new DeleteQueueCommand({ QueueUrl: queue.QueueUrl }));
  return async () => void (await provision(clients, settings));
};

/** Requests come during the whole outage; each is answered once it is over. */
async function endure(t: TestContext, takeAway: Outage, requestSeconds: number): Promise<void> {
  const bench = await openBench({ ...STRICT, REQUEST_SECONDS: requestSeconds });
  const { port } = new URL(bench.cloud.settings.AWS_ENDPOINT_URL ?? '');
  const proxy = await startFaultProxy({ port: Number(port), chance: () => 0, onDone: () => {} });
  const settings = { ...bench.cloud.settings, AWS_ENDPOINT_URL: proxy.url };
  const inference = startDouble(settings);
  const worker = await startWorker({ settings, instanceId: 'i-0long', log: silent, inference });
  try {
    assert.ok('match' in (await bench.reply(await bench.send('first.jpg', 'face Ann'))));
    const bringBack = await takeAway(bench, proxy);
    const sentAt = new Map<string, number>();
    const end = performance.now() + OUTAGE_SECONDS * 1000;
    while (performance.now() < end) {
      const { id } = await bench.send(`photo_${sentAt.size}.jpg`, 'face Bob');
      sentAt.set(id, Date.now());
      await delay(1000 / PER_SECOND);
    }
    await bringBack();
    const back = performance.now();
    const answered = async (): Promise<boolean> => {
      const heard = new Set((await bench.hear()).map(({ id }) => id));
      return [...sentAt.keys()].every((id) => heard.has(id));
    };
    await until('an answer to each request', answered, { limitMs: AFTERWARDS_MS, everyMs: 5 });
    const seconds = ((performance.now() - back) / 1000).toFixed(0);
    await bench.atRest();
    const letters = await openDeadLetters(bench.deadLetters).all();
    const early = letters.filter(
      ({ id, at }) => at < (sentAt.get(id) ?? Number.POSITIVE_INFINITY) + requestSeconds * 1000,
    );
    t.diagnostic(
      `${sentAt.size} requests in ${OUTAGE_SECONDS} s, each answered ${seconds} s after it at most; ${letters.length} dead letters, ${early.length} before their time`,
    );
    assert.deepEqual(early, []);
  } finally {
    await worker.stop();
    await proxy.close();
    await bench.close();
  }
}

const timeout = OUTAGE_SECONDS * 1000 + 2 * AFTERWARDS_MS + 60_000;
describe('a long outage under load', { concurrency: true, timeout }, () => {
  it('of S3 makes no dead letter of a request whose time is not over', { timeout }, (t) =>
    endure(t, throttleS3, 2 * OUTAGE_SECONDS + 60),
  );

  it(
    'of S3 that outlasts requests: those given up had their time, and are answered',
    {
      timeout,
    },
    (t) => endure(t, throttleS3, OUTAGE_SECONDS / 2),
  );

  it('of the reply queue makes none either', { timeout }, (t) =>
    endure(t, deleteReplyQueue, 2 * OUTAGE_SECONDS + 60),
  );
});
