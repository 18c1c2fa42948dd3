/** Web nodes on real queues, buckets and Redis, and the worker's part, played by the test. */

import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import type { Match } from '../../cloud/contract/match.ts';
import {
  decodeRequest,
  encodeReply,
  type ReplyMessage,
  type RequestMessage,
} from '../../cloud/contract/messages.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { openPressure } from '../../cloud/redis/pressure.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { type Answer, formBody, type Part, plainPhoto } from '../../test/form.fixture.ts';
import { startWeb, type WebService } from '../service.ts';
import { type Recognition, recognitionSchema } from './schemas.ts';

export const match = (name: string): Match => ({
  name,
  distance: 0.5,
  box: [1, 2, 3, 4],
  probability: 0.99,
  landmarks: [
    [1, 1],
    [2, 1],
    [1.5, 2],
    [1, 3],
    [2, 3],
  ],
  nearest: [{ name, distance: 0.5 }],
  known: true,
  width: 48,
  height: 48,
});

export const parsed = ({ text }: Pick<Answer, 'text'>): Recognition =>
  recognitionSchema.parse(JSON.parse(text));

export type ApiFixture = Awaited<ReturnType<typeof openApiFixture>>;

/** @param overrides settings that the test cares about */
export async function openApiFixture(overrides: Record<string, unknown> = {}) {
  const photo = await plainPhoto();
  const cloud = await startTestCloud({ MAX_UPLOAD_MB: 1, ...overrides });
  const requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
  const replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
  const redis = connectRedis(cloud.settings.REDIS_URL ?? '', 'stage', silent);
  const pressure = openPressure(redis, cloud.names.keys, 900_000);
  const start = async (overrides: Partial<TestCloud['settings']> = {}): Promise<WebService> => {
    const node = await startWeb({ ...cloud.settings, ...overrides }, silent);
    const ready = `http://127.0.0.1:${node.port}/readyz`;
    await until('the node to be ready', async () => (await fetch(ready)).ok);
    return node;
  };
  const web = await start();
  return {
    photo,
    requests,
    replies,
    /** Of everything in Redis. */
    keys: cloud.names.keys,
    /** Starts one more node. */
    start,
    url: (path = 'v1/recognitions', node = web) => `http://127.0.0.1:${node.port}/${path}`,
    form: (...names: string[]): Buffer =>
      formBody(names.map((fileName): Part => ({ fileName, bytes: photo }))),
    /** Takes so many requests, as a worker does. */
    async takeRequests(count: number): Promise<RequestMessage[]> {
      const taken: RequestMessage[] = [];
      await until(`${count} requests`, async () => {
        for (const { body, receipt } of await requests.receive({ most: 10, waitSeconds: 2 })) {
          taken.push(decodeRequest(body));
          await requests.delete(receipt);
        }
        return taken.length >= count;
      });
      return taken;
    },
    reply({ id, file, node }: RequestMessage, outcome: ReplyMessage['outcome']): Promise<void> {
      const timings = { embed: 3 };
      return replies.send(encodeReply({ id, file, node, outcome, timings, instance: 'i-1' }));
    },
    /** Ends its pressure, as a worker does after its reply. */
    finish: ({ id, file }: RequestMessage): Promise<void> => pressure.finish(id, file),
    async close(): Promise<void> {
      redis.disconnect();
      await web.stop();
      await cloud.close();
    },
  };
}
