/** Erases what names a person from where requests end: results in the out-bucket, and dead letters. */
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { objectCalls } from '../../../cloud/aws/fast-aws-calls.ts';
import { openObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import { openDeadLetters } from '../../../cloud/aws/sqs/dead-letters.ts';
import type { Queue } from '../../../cloud/aws/sqs/queues.ts';

const OBJECTS_AT_ONCE = 16;

/**
 * Deletes the results whose name is one of these. A result of somebody else that lists the person among the
 * nearest keeps its text, and loses its metadata.
 * @returns number of objects that were deleted or rewritten
 */
export async function eraseResults(
  s3: S3Client,
  bucket: string,
  names: readonly string[],
  mentions: (text: string) => boolean,
): Promise<number> {
  const objects = openObjects(s3, bucket);
  const calls = objectCalls(s3);
  const slots = pLimit(OBJECTS_AT_ONCE);
  let erased = 0;
  const look = async (key: string): Promise<void> => {
    const read = await readResult(s3, bucket, key);
    if (read === undefined) return;
    const { body, metadata } = read;
    if (names.some((name) => body === `${key}:${name}`)) await objects.delete([key]);
    else if (metadata.match !== undefined && mentions(decoded(metadata.match))) {
      const { match: _, ...others } = metadata;
      const ContentType = 'text/plain';
      await calls.put({ Bucket: bucket, Key: key, Body: body, ContentType, Metadata: others });
    } else return;
    erased += 1;
  };
  for await (const page of objects.pages('')) {
    await Promise.all(page.map(({ key }) => slots(() => look(key))));
  }
  return erased;
}

async function readResult(s3: S3Client, bucket: string, key: string) {
  try {
    const { Body, Metadata = {} } = await s3.send(
      new GetObjectCommand({ Bucket: bucket, Key: key }),
    );
    return { body: (await Body?.transformToString()) ?? '', metadata: Metadata };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

function decoded(match: string): string {
  return Buffer.from(match, 'base64url').toString();
}

/** @returns number of letters that were deleted */
export async function eraseDeadLetters(
  queue: Queue,
  mentions: (text: string) => boolean,
): Promise<number> {
  const letters = openDeadLetters(queue);
  let erased = 0;
  for await (const page of letters.pages()) {
    for (const letter of page) {
      if (!mentions(`${letter.body}\n${letter.reason}`)) continue;
      await letters.delete(letter);
      erased += 1;
    }
  }
  return erased;
}
