/** Looks whether the system has come to rest: nothing queued, counted, running, waiting or held. */

import { setTimeout as delay } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { Redis } from 'ioredis';
import pLimit from 'p-limit';
import { APP_TIER_PATTERN, countInstances, listKeys } from '../../cloud/aws/inspection.ts';
import { type DeadLetter, openDeadLetters } from '../../cloud/aws/sqs/dead-letters.ts';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import { galleryVersionKey } from '../../cloud/redis/gallery-version.ts';
import { openPressure } from '../../cloud/redis/pressure.ts';
import type { Output } from './judge.ts';
import type { System } from './system/system.ts';

const READS_AT_ONCE = 16;
/** Retries wait up to a minute, leases last one, pressure heals within half of one. */
const REST_MS = 240_000;

const SAY_MS = 15_000;

/** Waits until it is at rest. @returns what is still there after long, in words */
export async function comeToRest(
  system: System,
  redis: Redis,
  say: (line: string) => void,
): Promise<string[]> {
  const begun = performance.now();
  const end = begun + REST_MS;
  for (let sayAt = begun + SAY_MS; ; ) {
    const left = await unrest(system, redis).catch((error: unknown) => ({ [String(error)]: 1 }));
    const found = Object.entries(left);
    if (found.length === 0) return [];
    if (performance.now() > sayAt) {
      sayAt += SAY_MS;
      say(`still there: ${found.map(([what, count]) => `${what} ${count}`).join(', ')}`);
    }
    if (performance.now() > end) {
      return found.map(([what, count]) => `at the end there is still ${what}: ${count}`);
    }
    await delay(500);
  }
}

/** What is still there, by name; empty at rest. */
async function unrest(
  { clients, settings, webUrls }: System,
  redis: Redis,
): Promise<Record<string, number>> {
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const found: Record<string, number> = {};
  const note = (what: string, count: number): void => {
    if (count > 0) found[what] = count;
  };
  for (const name of [names.requestQueue, names.replyQueue]) {
    const { visible, inFlight, delayed } = await (await openQueue(clients.sqs, name)).depth();
    note(name, visible + inFlight + delayed);
  }
  note('fleet', await livingInstances({ clients }));
  note('pressure', (await openPressure(redis, names.keys, 1000).read()).count);
  // What is kept ends by itself, the lease of an instance that was killed too; a key without an end leaks.
  for (const key of await redis.keys('*')) {
    if (key === galleryVersionKey(names.keys)) continue; // One number, which is never outdated.
    if ((await redis.pttl(key)) === -1) note(`key without an end: ${key}`, 1);
  }
  for (const [node, url] of webUrls.entries()) {
    const signal = AbortSignal.timeout(5000);
    const metrics = await (await fetch(`${url}metrics`, { signal })).text();
    const waiters = Number(/^elastic_face_waiters (\d+)/m.exec(metrics)?.[1] ?? 1);
    note(`waiters of web node ${node}`, waiters);
  }
  return found;
}

/** Instances in any state but terminated. */
export async function livingInstances({ clients }: Pick<System, 'clients'>): Promise<number> {
  const { terminated: _, ...living } = await countInstances(clients.ec2, APP_TIER_PATTERN);
  return Object.values(living).reduce((sum, count) => sum + count, 0);
}

export async function readOutputs({ clients, settings }: System): Promise<Map<string, Output>> {
  const { outBucket } = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const limit = pLimit(READS_AT_ONCE);
  const keys = (await listKeys(clients.s3, outBucket)) ?? [];
  const read = async (Key: string): Promise<[string, Output]> => {
    const { Body, LastModified } = await clients.s3.send(
      new GetObjectCommand({ Bucket: outBucket, Key }),
    );
    const at = (LastModified?.getTime() ?? 0) - performance.timeOrigin;
    return [Key, { body: (await Body?.transformToString()) ?? '', at }];
  };
  return new Map(await Promise.all(keys.map((key) => limit(read, key))));
}

export async function readLetters({ clients, settings }: System): Promise<DeadLetter[]> {
  const { deadLetterQueue } = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  return openDeadLetters(await openQueue(clients.sqs, deadLetterQueue)).all();
}
