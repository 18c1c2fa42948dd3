/**
 * A crowd at the real web process, with queues, buckets and Redis in this one. LOAD_CLIENTS=10000 makes
 * the queue as long as docs/reliability.md reports.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openQueue, type Queue } from '../cloud/aws/sqs/queues.ts';
import { decodeRequest, encodeReply } from '../cloud/contract/messages.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openPressure, type Pressure } from '../cloud/redis/pressure.ts';
import { type Service, startService } from '../local/processes/service.ts';
import { type LocalRedis, startRedis } from '../local/redis.ts';
import { asEnvironment } from '../local/stack.ts';
import { silent, startTestCloud, type TestCloud } from './cloud.fixture.ts';
import { until } from './condition.fixture.ts';
import { formBody, plainPhoto, post } from './form.fixture.ts';
import { processesBelow } from './start.fixture.ts';

const CLIENTS = Number(process.env.LOAD_CLIENTS ?? 1000);
/** How many come at once. */
const CROWD = 1000;
/** Answers a second of the double that stands for the whole app tier. */
const SERVED_AT_ONCE = 10;
const LIMIT_MS = 600_000;

interface Served {
  readonly arrivedAt: number;
  readonly answeredAt: number;
}

/** The p99 of the waits, and what it would be had the same answers been given in order of arrival. */
function p99Waits(served: readonly Served[]): { actual: number; fifo: number } {
  const answers = served.map(({ answeredAt }) => answeredAt).sort((a, b) => a - b);
  const arrivals = served.map(({ arrivedAt }) => arrivedAt).sort((a, b) => a - b);
  const p99 = (waits: readonly number[]): number =>
    [...waits].sort((a, b) => a - b)[Math.ceil(waits.length * 0.99) - 1] as number;
  return {
    actual: p99(served.map(({ arrivedAt, answeredAt }) => answeredAt - arrivedAt)),
    fifo: p99(arrivals.map((arrivedAt, i) => (answers[i] as number) - arrivedAt)),
  };
}

describe('a crowd at the web tier', { timeout: LIMIT_MS }, () => {
  let folder: string;
  let cloud: TestCloud;
  let redisServer: LocalRedis;
  let web: Service;
  let url: string;
  let requests: Queue;
  let replies: Queue;
  let pressure: Pressure;
  let disconnect: () => void;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-load-'));
    // A process of its own where there is one: this one is busy with all the clients.
    redisServer = await startRedis({
      url: undefined,
      folder: join(folder, 'redis'),
      logFile: join(folder, 'redis.log'),
      searchPath: process.env.PATH ?? '',
    });
    cloud = await startTestCloud({ REDIS_URL: redisServer.url });
    web = await startService({
      name: 'web',
      environment: asEnvironment({ ...cloud.settings, HOST: '127.0.0.1' }),
      logFolder: folder,
      graceMs: 30_000,
    });
    url = `http://127.0.0.1:${await web.port}/`;
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
    replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
    const redis = connectRedis(cloud.settings.REDIS_URL ?? '', 'load', silent);
    pressure = openPressure(redis, cloud.names.keys, 900_000);
    disconnect = () => redis.disconnect();
    await until('the web tier to be ready', async () => (await fetch(`${url}readyz`)).ok);
  });
  after(async () => {
    await web.stop();
    disconnect();
    await cloud.close();
    await redisServer.stop();
    await rm(folder, { recursive: true });
  });

  /** Plays the app tier: takes requests in their order, gives each its own file's name back. */
  async function serve(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const messages = await requests.receive({ most: 10, waitSeconds: 1 });
      await Promise.all(
        messages.map(async ({ body, receipt }) => {
          const { id, file, node } = decodeRequest(body);
          const box: [number, number, number, number] = [1, 2, 3, 4];
          const match = { name: `Of ${file}`, distance: 0.5, box, probability: 0.9, nearest: [] };
          const landmarks = Array.from({ length: 5 }, (): [number, number] => [1, 1]);
          const outcome = { match: { ...match, landmarks, width: 48, height: 48 } };
          await replies.send(encodeReply({ id, file, node, outcome }));
          await pressure.finish(id, file);
          await requests.delete(receipt);
        }),
      );
    }
  }

  async function webMemoryMb(): Promise<number> {
    const below = await processesBelow(process.pid);
    const pid = below.find(({ command }) => / web $/.test(command))?.pid;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  it(`${CROWD} clients at once, ${CLIENTS} in the queue: each gets its own answer, in order, in bounded memory`, async (t) => {
    const before = await webMemoryMb();
    const photo = await plainPhoto();
    const served: Served[] = [];
    const answers: Promise<void>[] = [];
    const failures: unknown[] = [];
    const client = async (number: number): Promise<void> => {
      const arrivedAt = performance.now();
      const body = formBody([{ fileName: `load_${number}.jpg`, bytes: photo }]);
      const { status, text } = await post(url, body);
      assert.deepEqual([status, text], [200, `load_${number}:Of load_${number}.jpg`]);
      served.push({ arrivedAt, answeredAt: performance.now() });
    };
    const limits = { limitMs: LIMIT_MS, everyMs: 50 };
    while (answers.length < CLIENTS) {
      const size = Math.min(CROWD, CLIENTS - answers.length);
      for (let i = 0; i < size; i++) answers.push(client(answers.length));
      for (const answer of answers.slice(-size)) answer.catch((error) => failures.push(error));
      await until(
        `${answers.length} requests to be queued`,
        async () => {
          if (failures.length > 0) throw failures[0];
          return (await requests.depth()).visible >= answers.length;
        },
        limits,
      );
    }
    const full = await webMemoryMb();
    const counted = (await pressure.read()).count;
    const stop = new AbortController();
    const loops = Array.from({ length: SERVED_AT_ONCE }, async (_, i) => {
      await delay(i * 5);
      await serve(stop.signal);
    });
    await Promise.all(answers);
    stop.abort();
    await Promise.all(loops);
    const { actual, fifo } = p99Waits(served);
    t.diagnostic(
      `p99 of the wait ${(actual / 1000).toFixed(1)} s, first come first served ${(fifo / 1000).toFixed(1)} s; ` +
        `web ${before.toFixed(0)} MB at rest, ${full.toFixed(0)} MB with ${CLIENTS} waiting`,
    );
    assert.equal(counted, CLIENTS, 'every request is counted as pressure');
    assert.ok(actual <= 1.5 * fifo, `p99 of the wait ${actual} ms, in order ${fifo} ms`);
    // A photo here has under 1 KB: this bounds what a waiting client costs, in all about 50 KB.
    assert.ok(full - before < 100 + CLIENTS * 0.06, `${before} MB became ${full} MB`);
    const metrics = await (await fetch(`${url}metrics`)).text();
    assert.match(metrics, /^elastic_face_waiters 0$/m);
    assert.equal((await pressure.read()).count, 0);
  });
});
