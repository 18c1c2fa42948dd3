/** Objects of one bucket under prefixes: written once, listed, and deleted together. */
import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { objectCalls } from '../fast-aws-calls.ts';

/** Keys that one DeleteObjects takes. */
const MOST_DELETES = 1000;

export interface StoredObject {
  readonly key: string;
  /** When it was written, in ms since 1970 by S3's clock. */
  readonly modified: number;
}

export interface StoredObjects {
  put(key: string, bytes: Uint8Array | string, contentType: string): Promise<void>;
  /** @returns false if there is an object under that key already, which stays as it is */
  putNew(key: string, bytes: Uint8Array | string, contentType: string): Promise<boolean>;
  /** Undefined when there is none under that key. */
  get(key: string): Promise<Uint8Array | undefined>;
  exists(key: string): Promise<boolean>;
  /** In pages of up to a thousand. */
  pages(prefix: string): AsyncGenerator<StoredObject[]>;
  /** Keys without an object do no harm. */
  delete(keys: readonly string[]): Promise<void>;
  /** @returns the number of objects that were there */
  deleteUnder(prefix: string): Promise<number>;
}

export function openObjects(s3: S3Client, bucket: string): StoredObjects {
  const calls = objectCalls(s3);
  const remove = async (keys: readonly string[]): Promise<void> => {
    for (let at = 0; at < keys.length; at += MOST_DELETES) {
      const Objects = keys.slice(at, at + MOST_DELETES).map((Key) => ({ Key }));
      const { Errors } = await s3.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors ?? [];
      if (first) throw new Error(`S3 did not delete ${Errors?.length} objects: ${first.Code}.`);
    }
  };
  async function* pages(prefix: string): AsyncGenerator<StoredObject[]> {
    let next: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: next }),
      );
      yield (page.Contents ?? []).map(({ Key = '', LastModified }) => ({
        key: Key,
        modified: LastModified?.getTime() ?? 0,
      }));
      next = page.NextContinuationToken;
    } while (next !== undefined);
  }
  return {
    put: (Key, Body, ContentType) => calls.put({ Bucket: bucket, Key, Body, ContentType }),
    async putNew(Key, Body, ContentType) {
      const object = { Bucket: bucket, Key, Body, ContentType, IfNoneMatch: '*' };
      try {
        await s3.send(new PutObjectCommand(object));
        return true;
      } catch (error) {
        // Errors of conditional writes have no class of their own in the SDK.
        if (error instanceof Error && /^(?:PreconditionFailed|ConditionalRequest)/.test(error.name))
          return false;
        throw error;
      }
    },
    async get(key) {
      try {
        return await calls.get(bucket, key);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async exists(key) {
      try {
        await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return true;
      } catch (error) {
        if (error instanceof NotFound) return false;
        throw error;
      }
    },
    pages,
    delete: remove,
    async deleteUnder(prefix) {
      let count = 0;
      for await (const page of pages(prefix)) {
        count += page.length;
        await remove(page.map(({ key }) => key));
      }
      return count;
    },
  };
}
