import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openQueue, type Queue } from '../../cloud/aws/sqs/queues.ts';
import { decodeRequest, encodeReply } from '../../cloud/contract/messages.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { startTcpProxy, type TcpProxy } from '../../test/chaos/system/links.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { plainPhoto, postPhoto } from '../../test/form.fixture.ts';
import { match } from '../api/api.fixture.ts';
import { startWeb, type WebService } from '../service.ts';

const PHOTOS = 20;

describe('a web node whose connections to Redis swallow all bytes', { timeout: 90_000 }, () => {
  let cloud: TestCloud;
  let proxy: TcpProxy;
  let cut: WebService;
  let other: WebService;
  let requests: Queue;
  let replies: Queue;
  before(async () => {
    cloud = await startTestCloud();
    const { port } = new URL(cloud.settings.REDIS_URL ?? '');
    proxy = await startTcpProxy(Number(port));
    const throughProxy = { ...cloud.settings, REDIS_URL: `redis://127.0.0.1:${proxy.port}` };
    [cut, other] = await Promise.all([
      startWeb(throughProxy, silent),
      startWeb(cloud.settings, silent),
    ]);
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
    replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
    for (const { port } of [cut, other]) await until('a ready node', () => ready(port));
  });
  after(async () => {
    await Promise.all([cut.stop(), other.stop()]);
    await proxy.close();
    await cloud.close();
  });

  const readiness = async (port: number): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
  const ready = async (port: number): Promise<boolean> => (await readiness(port)) === 'ready\n';

  /** Plays the workers. @param before called when all requests are there and no reply is */
  async function answerAll(before: () => void): Promise<void> {
    const taken: string[] = [];
    while (taken.length < PHOTOS) {
      for (const { body, receipt } of await requests.receive({ most: 10, waitSeconds: 2 })) {
        taken.push(body);
        await requests.delete(receipt);
      }
    }
    before();
    for (const body of taken) {
      const { id, file, node, sentAt } = decodeRequest(body);
      const outcome = { match: match('Paul') };
      await replies.send(encodeReply({ id, file, node, sentAt, outcome }));
    }
  }

  async function postAll(): Promise<void> {
    const photo = await plainPhoto();
    const answers = Array.from({ length: PHOTOS }, (_, at) =>
      postPhoto(`http://127.0.0.1:${cut.port}/`, `photo_${at}.jpg`, photo),
    );
    for (const [at, answer] of (await Promise.all(answers)).entries()) {
      assert.deepEqual([answer.status, answer.text], [200, `photo_${at}:Paul`]);
    }
  }

  it('answers every photo all the same, also those whose reply the other node drained', async () => {
    await Promise.all([postAll(), answerAll(() => proxy.swallow())]);
  });

  it('says so while it lasts, takes photos meanwhile, and is well again afterwards', async () => {
    proxy.swallowsNew = true;
    proxy.swallow();
    await until('a word of it', async () => /but Redis/.test(await readiness(cut.port)), {
      limitMs: 30_000,
    });
    await Promise.all([
      postAll(),
      answerAll(() => {
        proxy.swallowsNew = false;
      }),
    ]);
    await until('a node without trouble', () => ready(cut.port));
    const redis = connectRedis(cloud.settings.REDIS_URL ?? '', 'test', silent);
    assert.equal(await redis.exists('elastic-face:write-probe'), 0);
    redis.disconnect();
  });
});
