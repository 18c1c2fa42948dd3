/** A web node on real queues, buckets and Redis, and a worker's part in people work, played by the test. */
import { randomUUID } from 'node:crypto';
import { openResults } from '../../cloud/aws/s3/objects.ts';
import { openObjects } from '../../cloud/aws/s3/stored-objects.ts';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import type { Match } from '../../cloud/contract/match.ts';
import { decodeRequest, encodeReply, type RequestMessage } from '../../cloud/contract/messages.ts';
import {
  type PeopleWork,
  peopleWorkSchema,
  WORK_FILE,
  type WorkFace,
  type WorkResult,
  workKeys,
} from '../../cloud/contract/people-work.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { openPressure } from '../../cloud/redis/pressure.ts';
import {
  startTestCloud as startEmbeddedCloud,
  temporaryFolder,
} from '../../local/cloud.fixture.ts';
import type { Logger } from '../../runtime/log.ts';
import { silent, startTestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { type Answer, formBody, type Part, plainPhoto, post } from '../../test/form.fixture.ts';
import { startWeb, type WebService } from '../service.ts';

/** Numbers of an embedding here. */
const LENGTH = 8;

/** A unit vector that points at one axis, and a little at another. */
export function embeddingAt(axis: number, aside = 0): Buffer {
  const numbers = new Float32Array(LENGTH);
  numbers[axis % LENGTH] = Math.sqrt(1 - aside * aside);
  numbers[(axis + 1) % LENGTH] = aside;
  return Buffer.from(numbers.buffer);
}

export function workFace(axis: number, more: Partial<WorkFace> = {}): WorkFace {
  return {
    box: [10, 10, 40, 40],
    landmarks: Array.from({ length: 5 }, (_, at): [number, number] => [12 + at, 12 + at]),
    probability: 0.99,
    quality: {
      score: 0.9,
      size: 0.9,
      sharpness: 0.9,
      light: 0.9,
      pose: 0.9,
      confidence: 0.99,
      reasons: [],
    },
    embedding: embeddingAt(axis).toString('base64'),
    nearest: [],
    ...more,
  };
}

export type PeopleFixture = Awaited<ReturnType<typeof openPeopleFixture>>;

/** What a worker makes of some work. */
export type Worker = (work: PeopleWork) => Partial<WorkResult>;

/**
 * @param overrides settings that the test cares about
 * @param isPlayed false where real workers take the requests
 */
export async function openPeopleFixture(
  overrides: Record<string, unknown> = {},
  log: Logger = silent,
  isPlayed = true,
) {
  const photo = await plainPhoto();
  // Its S3 honours conditional writes.
  const folder = temporaryFolder();
  const embedded = await startEmbeddedCloud(folder.path);
  const cloud = await startTestCloud({
    AWS_ENDPOINT_URL: embedded.cloud.url,
    MAX_UPLOAD_MB: 1,
    REQUEST_SECONDS: 20,
    ...overrides,
  });
  const { clients, names, settings } = cloud;
  const requests = await openQueue(clients.sqs, names.requestQueue);
  const replies = await openQueue(clients.sqs, names.replyQueue);
  const redis = connectRedis(settings.REDIS_URL ?? '', 'stage', silent);
  const pressure = openPressure(redis, names.keys, 900_000);
  const objects = openObjects(clients.s3, names.peopleBucket);
  const nodes: WebService[] = [];
  const start = async (): Promise<WebService> => {
    const node = await startWeb(settings, log);
    nodes.push(node);
    const ready = `http://127.0.0.1:${node.port}/readyz`;
    await until('the node to be ready', async () => (await fetch(ready)).ok);
    return node;
  };
  const web = await start();
  const worked: PeopleWork[] = [];
  const photosAsked: RequestMessage[] = [];
  let worker: Worker = () => ({});
  let recognised: Match | undefined;
  let isOpen = true;

  const work = async (body: string): Promise<void> => {
    const asked = peopleWorkSchema.parse(JSON.parse(body));
    worked.push(asked);
    const result: WorkResult = {
      id: asked.id,
      gallery: asked.gallery ?? 0,
      encoder: 'test',
      photos: Array.from({ length: asked.photos || (asked.kept ? 1 : 0) }, (_, at) => ({
        width: 48,
        height: 48,
        faces: [workFace(at)],
      })),
      ...worker(asked),
    };
    await objects.put(workKeys.result(asked.id), JSON.stringify(result), 'application/json');
    const { id, node } = asked;
    await replies.send(encodeReply({ id, file: WORK_FILE, node, outcome: { work: 'done' } }));
    await pressure.finish(id, WORK_FILE);
  };
  const results = openResults(clients.s3, names.outBucket);
  const recognise = async (body: string, match: Match): Promise<void> => {
    const { id, file, node, digest } = decodeRequest(body);
    await results.put(file, { requestId: id, match, ...(digest !== undefined && { digest }) });
    await replies.send(encodeReply({ id, file, node, outcome: { match } }));
    await pressure.finish(id, file);
  };
  const working = (async () => {
    while (isOpen && isPlayed) {
      const messages = await requests.receive({ most: 10, waitSeconds: 1 });
      for (const { body, receipt } of messages) {
        await requests.delete(receipt);
        if (body.includes('"work"')) await work(body);
        else if (recognised !== undefined) await recognise(body, recognised);
        else photosAsked.push(decodeRequest(body));
      }
    }
  })();
  return {
    cloud,
    photo,
    objects,
    redis,
    pressure,
    requests,
    replies,
    /** All work that was asked for, in its order. */
    worked,
    /** Photos to recognise, which nobody answers. */
    photosAsked,
    /** Starts one more node. */
    start,
    url: (path: string, node = web) => `http://127.0.0.1:${node.port}/${path}`,
    /** From now on the worker answers so. */
    answer(next: Worker): void {
      worker = next;
    },
    /** From now on every photo is recognised so; until then nobody takes it. */
    recognise(match: Match): void {
      recognised = match;
    },
    form: (fields: Readonly<Record<string, string>>, ...photos: (string | Uint8Array)[]): Buffer =>
      formBody([
        ...photos.map(
          (given, at): Part => ({
            fileName: typeof given === 'string' ? given : `photo-${at}.jpg`,
            bytes: typeof given === 'string' ? photo : given,
          }),
        ),
        ...Object.entries(fields).map(([field, bytes]): Part => ({ field, bytes })),
      ]),
    enrol(
      name: string,
      fields: Readonly<Record<string, string>> = {},
      node = web,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<Answer> {
      const body = this.form({ name, ...fields }, `${randomUUID()}.jpg`);
      return post(`http://127.0.0.1:${node.port}/v1/people`, body, { headers });
    },
    async json(method: string, path: string, body?: unknown, node = web) {
      const response = await fetch(`http://127.0.0.1:${node.port}/${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
    async close(): Promise<void> {
      isOpen = false;
      await working;
      await Promise.all(nodes.map((node) => node.stop()));
      redis.disconnect();
      await cloud.close();
      await embedded.stop();
      folder.remove();
    },
  };
}
