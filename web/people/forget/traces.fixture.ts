/** Everything that a test cloud holds, as bytes: what a test of forgetting searches. */
import { GetObjectCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import type { Redis } from 'ioredis';
import { openObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import { openQueue } from '../../../cloud/aws/sqs/queues.ts';
import type { TestCloud } from '../../../test/cloud.fixture.ts';

/** By place: objects with their metadata, keys of Redis with their values, messages of queues. */
export async function everyByteOf(
  { clients, names }: TestCloud,
  redis: Redis,
): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
  for (const { Name: Bucket = '' } of Buckets) {
    for await (const page of openObjects(clients.s3, Bucket).pages('')) {
      for (const { key: Key } of page) {
        const { Body, Metadata } = await clients.s3.send(new GetObjectCommand({ Bucket, Key }));
        const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
        const { match = '', ...more } = Metadata ?? {};
        const metadata = JSON.stringify(more) + Buffer.from(match, 'base64url').toString();
        found.set(`${Bucket}/${Key}`, Buffer.concat([Buffer.from(`${Key}\n${metadata}\n`), bytes]));
      }
    }
  }
  for (const key of await redis.keys('*')) found.set(`redis ${key}`, await textOf(redis, key));
  for (const name of [names.requestQueue, names.replyQueue, names.deadLetterQueue]) {
    const queue = await openQueue(clients.sqs, name);
    const messages = await queue.receive({ most: 10, waitSeconds: 0, visibilitySeconds: 0 });
    found.set(`queue ${name}`, Buffer.from(JSON.stringify(messages)));
  }
  return found;
}

async function textOf(redis: Redis, key: string): Promise<Buffer> {
  const read = async (): Promise<unknown> => {
    switch (await redis.type(key)) {
      case 'string':
        return redis.get(key);
      case 'zset':
        return redis.zrange(key, 0, '-1');
      case 'list':
        return redis.lrange(key, 0, -1);
      case 'set':
        return redis.smembers(key);
      case 'hash':
        return redis.hgetall(key);
      default:
        return redis.dumpBuffer(key);
    }
  };
  const value = await read();
  return Buffer.from(`${key}\n${typeof value === 'string' ? value : JSON.stringify(value)}`);
}
