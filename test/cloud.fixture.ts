/** Real parts for tests: SQS and S3 by fauxqs, Redis by js-redis-server, a project provisioned in them. */
import { startFauxqs } from 'fauxqs';
import type { Redis } from 'ioredis';
import { createRedisMock } from 'js-redis-server';
import { pino } from 'pino';
import { provision } from '../cloud/aws/provision.ts';
import { type CloudNames, cloudNames } from '../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2/client.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { readSettings, type Settings } from '../runtime/settings.ts';

export const silent = pino({ level: 'silent' });

export interface TestRedis {
  readonly url: string;
  /** A connection to it, made when first used and closed with the server. */
  readonly client: Redis;
  close(): Promise<void>;
}

export async function startTestRedis(): Promise<TestRedis> {
  const server = await createRedisMock();
  const [address] = server.addresses();
  const url = `redis://${address?.host}:${address?.port}`;
  let client: Redis | undefined;
  return {
    url,
    get client() {
      client ??= connectRedis(url, 'test', silent);
      return client;
    },
    async close() {
      client?.disconnect();
      await server.close();
    },
  };
}

/** A project provisioned in SQS and S3, of whichever stand-in. */
export interface TestProject {
  readonly settings: Settings;
  readonly names: CloudNames;
  readonly clients: Ec2Clients;
  close(): Promise<void>;
}

export interface TestCloud extends TestProject {
  readonly redis: TestRedis;
}

/** @param overrides settings that the test cares about */
export async function startTestCloud(overrides: Record<string, unknown> = {}): Promise<TestCloud> {
  const aws = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  const redis = await startTestRedis();
  const settings = readSettings(
    {
      PROJECT_ID: 'test',
      PORT: 0,
      AWS_ENDPOINT_URL: `http://127.0.0.1:${aws.port}`,
      REDIS_URL: redis.url,
      ...overrides,
    },
    {},
  );
  const clients = createEc2Clients(settings);
  await provision(clients, settings);
  return {
    settings,
    names: cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX),
    clients,
    redis,
    async close() {
      clients.destroy();
      await redis.close();
      await aws.stop();
    },
  };
}

/** Counts requests as pressure that came so long ago. */
export async function countOld(
  redis: Redis,
  keys: string,
  ids: readonly string[],
  ageMs: number,
): Promise<void> {
  const [seconds] = (await redis.time()) as unknown as [string];
  await redis.zadd(
    `${keys}:pressure`,
    ...ids.flatMap((id) => [Number(seconds) * 1000 - ageMs, id]),
  );
}
