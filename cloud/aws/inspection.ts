/**
 * What can be seen of the system from outside through the public APIs: instances by name, objects in a
 * bucket. Knows nothing about leases or pressure, so that it can judge the services that do.
 */
import { type EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import {
  DeleteObjectsCommand,
  NoSuchBucket,
  paginateListObjectsV2,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { errorClass } from '../../runtime/errors.ts';
import { instanceName, WEB_INSTANCE_NAME } from '../contract/names.ts';

/** Filters of the Name tag, as the course's grader sets them. */
export const WEB_TIER_PATTERN = WEB_INSTANCE_NAME;
export const APP_TIER_PATTERN = instanceName(0).replace(/0$/, '*');

/** Objects of a bucket could not be deleted. */
export class BucketError extends errorClass('bucket') {}

/**
 * How many instances have a Name tag that matches `pattern` (`*` and `?` as EC2 reads them), by
 * their state, e.g. `{ running: 2, pending: 1 }`. Terminated ones stay listed for about an hour.
 */
export async function countInstances(
  ec2: EC2Client,
  pattern: string,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  const filters = [{ Name: 'tag:Name', Values: [pattern] }];
  for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters: filters })) {
    for (const { Instances = [] } of page.Reservations ?? []) {
      for (const { State } of Instances) {
        const name = State?.Name ?? 'unknown';
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
  }
  return counts;
}

/** Every key of a bucket; undefined when there is no such bucket. */
export async function listKeys(s3: S3Client, bucket: string): Promise<string[] | undefined> {
  const keys: string[] = [];
  try {
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client: s3 },
      { Bucket: bucket },
    )) {
      keys.push(...Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key])));
    }
  } catch (error) {
    if (isNoSuchBucket(error)) return undefined;
    throw error;
  }
  return keys;
}

/**
 * Deletes every object of a bucket, and says how many there were; a bucket that is not there has none.
 * @throws {BucketError} when S3 kept some.
 */
export async function emptyBucket(s3: S3Client, bucket: string): Promise<number> {
  let deleted = 0;
  try {
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client: s3 },
      { Bucket: bucket },
    )) {
      if (Contents.length === 0) continue;
      const { Errors = [] } = await s3.send(
        new DeleteObjectsCommand({
          Bucket: bucket,
          // A page has 1,000 keys at most, which is what one delete takes.
          Delete: { Objects: Contents.map(({ Key }) => ({ Key })), Quiet: true },
        }),
      );
      const [first] = Errors;
      if (first) {
        throw new BucketError(
          `The bucket '${bucket}' kept ${Errors.length} objects: ${first.Code ?? ''} ${first.Message ?? ''}`,
        );
      }
      deleted += Contents.length;
    }
  } catch (error) {
    if (!isNoSuchBucket(error)) throw error;
  }
  return deleted;
}

function isNoSuchBucket(error: unknown): boolean {
  return (
    error instanceof NoSuchBucket ||
    (error instanceof S3ServiceException && error.name === 'NoSuchBucket')
  );
}

/** Deletes the messages of a queue that are neither delayed nor taken by another receiver. */
export async function deleteVisible(queue: {
  receive(options: { most: number; waitSeconds: number }): Promise<readonly { receipt: string }[]>;
  delete(receipt: string): Promise<void>;
}): Promise<void> {
  for (;;) {
    const messages = await queue.receive({ most: 10, waitSeconds: 0 });
    if (messages.length === 0) return;
    await Promise.all(messages.map(({ receipt }) => queue.delete(receipt)));
  }
}
