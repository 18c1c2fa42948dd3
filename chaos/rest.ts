/** Looks whether the system has come to rest: nothing queued, counted, running, waiting or held. */

import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { Redis } from 'ioredis';
import pLimit from 'p-limit';
import { type DeadLetter, openDeadLetters } from '../cloud/dead-letters.ts';
import { APP_TIER_PATTERN, countInstances, listKeys } from '../cloud/inspection.ts';
import { cloudNames } from '../cloud/names.ts';
import { openPressure } from '../cloud/pressure.ts';
import { openQueue } from '../cloud/queues.ts';
import type { System } from './system.ts';

const READS_AT_ONCE = 16;

/** What is still there, by name; empty at rest. */
export async function unrest(
  { clients, settings, webUrl }: System,
  redis: Redis,
): Promise<Record<string, number>> {
  const names = cloudNames(settings.PROJECT_ID);
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
  // The lease of an instance that was killed ends by itself within a minute; one without an end leaks.
  const leases = await redis.keys(`${names.keys}:lease:*`);
  const left = await Promise.all(leases.map((key) => redis.pttl(key)));
  note('leases that never end', left.filter((ms) => ms === -1).length);
  const metrics = await (
    await fetch(`${webUrl}metrics`, { signal: AbortSignal.timeout(5000) })
  ).text();
  note('waiters', Number(/^elastic_face_waiters (\d+)/m.exec(metrics)?.[1] ?? 1));
  return found;
}

/** Instances in any state but terminated. */
export async function livingInstances({ clients }: Pick<System, 'clients'>): Promise<number> {
  const { terminated: _, ...living } = await countInstances(clients.ec2, APP_TIER_PATTERN);
  return Object.values(living).reduce((sum, count) => sum + count, 0);
}

export async function readOutputs({ clients, settings }: System): Promise<Map<string, string>> {
  const { outBucket } = cloudNames(settings.PROJECT_ID);
  const limit = pLimit(READS_AT_ONCE);
  const keys = (await listKeys(clients.s3, outBucket)) ?? [];
  const read = async (Key: string): Promise<[string, string]> => {
    const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket: outBucket, Key }));
    return [Key, (await Body?.transformToString()) ?? ''];
  };
  return new Map(await Promise.all(keys.map((key) => limit(read, key))));
}

export async function readLetters({ clients, settings }: System): Promise<DeadLetter[]> {
  const { deadLetterQueue } = cloudNames(settings.PROJECT_ID);
  return openDeadLetters(await openQueue(clients.sqs, deadLetterQueue)).all();
}
