/** Empties buckets and queues before a graded run. Destroys data: only ever called for a flag that says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsClients } from '../../cloud/aws/clients.ts';
import { emptyBucket } from '../../cloud/aws/inspection.ts';
import { openQueue } from '../../cloud/aws/queues.ts';
import { WorkloadError } from '../errors.ts';
import { type GradedNames, messagesIn } from './observe.ts';

/** SQS says that a purge takes up to 60 seconds. */
const PURGE_MS = 70_000;
const LOOK_EVERY_MS = 500;

/**
 * Deletes every object and every message, and waits until the queues say so.
 * @param say is told what was done, one sentence each
 * @throws {WorkloadError} when a queue is still not empty long after its purge.
 */
export async function emptyAll(
  clients: AwsClients,
  names: GradedNames,
  say: (sentence: string) => void,
): Promise<void> {
  for (const bucket of [names.inBucket, names.outBucket]) {
    say(`Deleted ${await emptyBucket(clients.s3, bucket)} object(s) of ${bucket}.`);
  }
  for (const name of [names.requestQueue, names.replyQueue]) {
    const queue = await openQueue(clients.sqs, name);
    const messages = messagesIn(await queue.depth());
    // SQS refuses a second purge within a minute: an empty queue needs none.
    if (messages === 0) continue;
    await queue.purge();
    const limit = performance.now() + PURGE_MS;
    while (messagesIn(await queue.depth()) > 0) {
      if (performance.now() > limit) {
        throw new WorkloadError(
          `--empty: the queue ${name} is not empty one minute after its purge: a service is still sending to it.`,
        );
      }
      await sleep(LOOK_EVERY_MS);
    }
    say(`Purged ${messages} message(s) of ${name}.`);
  }
}
