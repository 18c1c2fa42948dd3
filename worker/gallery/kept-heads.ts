/** Earlier versions of the live gallery, for a worker that has none and cannot use the newest one. */
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { type GalleryHead, peopleKeys } from '../../people/head.ts';
import { isNamed } from '../../people/read/bucket.ts';
import { parseHead } from './read-head.ts';

/** Heads in the bucket with a number below `below`, newest first, without damaged ones. Throws what S3 throws. */
export type ReadKeptHeads = (below: number) => AsyncIterable<GalleryHead>;

export function keptHeadsReader(s3: S3Client, bucket: string): ReadKeptHeads {
  return async function* (below) {
    const numbers: number[] = [];
    const query = { Bucket: bucket, Prefix: peopleKeys.versions };
    try {
      for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, query)) {
        for (const { Key = '' } of Contents) {
          const number = peopleKeys.versionOf(Key);
          if (number !== undefined && number < below) numbers.push(number);
        }
      }
    } catch (error) {
      if (isNamed(error, 'NoSuchBucket')) return;
      throw error;
    }
    for (const number of numbers.sort((a, b) => b - a)) {
      const head = await read(s3, bucket, number);
      if (head) yield head;
    }
  };
}

/** @returns undefined when it is damaged, or was deleted meanwhile */
async function read(
  s3: S3Client,
  bucket: string,
  number: number,
): Promise<GalleryHead | undefined> {
  try {
    const { Body } = await s3.send(
      new GetObjectCommand({ Bucket: bucket, Key: peopleKeys.version(number) }),
    );
    const head = parseHead((await Body?.transformToString()) ?? '');
    return head instanceof Error || head.version !== number ? undefined : head;
  } catch (error) {
    if (isNamed(error, 'NoSuchKey')) return undefined;
    throw error;
  }
}
