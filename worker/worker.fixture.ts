/** What tests of the worker share: requests as the web tier sends them, and what came of them. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPhotos, openResults } from '../cloud/aws/s3/objects.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import {
  type Ask,
  decodeReply,
  encodeRequest,
  type ReplyMessage,
} from '../cloud/contract/messages.ts';
import { asideKey } from '../cloud/contract/names.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openPressure } from '../cloud/redis/pressure.ts';
import type { Settings } from '../runtime/settings.ts';
import { silent, startTestCloud, type TestCloud } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import type { Inference } from './inference/inference.ts';
import { startInference } from './inference/start.ts';

/** Answers what the photo's text says, without a model. */
export const DOUBLE = new URL('./inference/double.fixture.ts', import.meta.url);

/** That program, in place of the model. */
export const startDouble = (settings: Settings): Inference =>
  startInference(settings, silent, DOUBLE);

export interface Sent {
  readonly id: string;
  readonly file: string;
}

interface SentWith {
  /** Whether another request holds the name. */
  readonly aside: boolean;
  /** By the web node's clock. */
  readonly sentAt: number;
}

export type Bench = Awaited<ReturnType<typeof openBench>>;

/** A cloud of its own, a folder for the inference double, and the web tier's side of everything. */
export async function openBench(overrides: Record<string, unknown> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-worker-'));
  const cloud: TestCloud = await startTestCloud({ MODEL_DIR: folder, ...overrides });
  const { clients, names, settings } = cloud;
  const redis = connectRedis(settings.REDIS_URL ?? '', 'bench', silent);
  const pressure = openPressure(redis, names.keys, 900_000);
  const photos = openPhotos(clients.s3, names.inBucket);
  const results = openResults(clients.s3, names.outBucket);
  const [requests, replies, deadLetters] = await Promise.all([
    openQueue(clients.sqs, names.requestQueue),
    openQueue(clients.sqs, names.replyQueue),
    openQueue(clients.sqs, names.deadLetterQueue),
  ]);
  const heard: ReplyMessage[] = [];
  const hear = async (): Promise<ReplyMessage[]> => {
    for (const { body, receipt } of await replies.receive({ most: 10, waitSeconds: 0 })) {
      heard.push(decodeReply(body));
      await replies.delete(receipt);
    }
    return heard;
  };
  return {
    cloud,
    folder,
    redis,
    pressure,
    photos,
    results,
    requests,
    replies,
    deadLetters,
    /** Sends one request as the web tier does; `bytes: undefined` leaves the photo out. */
    async send(
      file: string,
      bytes: string | Uint8Array | undefined,
      { aside = false, sentAt = Date.now(), ...ask }: Ask & Partial<SentWith> = {},
    ): Promise<Sent> {
      const id = randomUUID();
      const key = aside ? asideKey(id, file) : file;
      await pressure.begin(id, file);
      if (bytes !== undefined) await photos.put(key, Buffer.from(bytes), 'image/jpeg');
      await requests.send(encodeRequest({ id, file, key, node: 'bench', sentAt, ...ask }));
      return { id, file };
    },
    hear,
    /** The first reply to this request. */
    reply: ({ id, file }: Sent, limitMs = 60_000): Promise<ReplyMessage['outcome']> =>
      until(
        `the reply to ${file}`,
        async () => (await hear()).find((one) => one.id === id)?.outcome,
        { limitMs },
      ),
    /** The photos that were computed, in their order. */
    computed(): string[] {
      const path = join(folder, 'computed');
      return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    },
    /** Nothing waits, nothing is in work, nothing is counted. */
    atRest: () =>
      until(
        'the queue and the pressure to be empty',
        async () => {
          const { visible, inFlight, delayed } = await requests.depth();
          return visible + inFlight + delayed === 0 && (await pressure.read()).count === 0;
        },
        { limitMs: 60_000 },
      ),
    async close(): Promise<void> {
      redis.disconnect();
      await cloud.close();
      rmSync(folder, { recursive: true });
    },
  };
}
