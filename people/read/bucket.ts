/** The people bucket's objects: conditional reads and writes. It does not know what they hold. */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { messageOf } from '../../runtime/errors.ts';
import { PeopleBucketError } from '../errors.ts';

/** Keys of one delete call. */
const MOST_DELETIONS = 1000;

export interface Stored {
  readonly bytes: Buffer;
  readonly etag: string;
}

export interface Listed {
  readonly key: string;
  readonly etag: string;
  /** In ms since 1970, by S3's clock, whole seconds. */
  readonly modified: number;
}

/** What must hold for a write: the object is as it was read, or does not exist. */
export type Condition = { readonly etag: string } | 'none';

/** The bucket of a project does not exist. */
export class NoPeopleBucketError extends PeopleBucketError {}

export class PeopleBucket {
  readonly name: string;
  readonly #s3: S3Client;

  constructor(s3: S3Client, name: string) {
    this.#s3 = s3;
    this.name = name;
  }

  /** @returns undefined when there is no object with that key */
  async get(key: string): Promise<Stored | undefined> {
    const found = await this.getIfChanged(key, undefined);
    return found === 'unchanged' ? undefined : found;
  }

  /** @param etag of what the caller has */
  async getIfChanged(
    key: string,
    etag: string | undefined,
  ): Promise<Stored | 'unchanged' | undefined> {
    try {
      const { Body, ETag = '' } = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.name, Key: key, IfNoneMatch: etag }),
      );
      return { bytes: bufferOf(await Body?.transformToByteArray()), etag: ETag };
    } catch (error) {
      if (statusOf(error) === 304) return 'unchanged';
      if (isMissing(error)) return undefined;
      throw this.#named(error, `'${key}' cannot be read`);
    }
  }

  /** @returns the bytes from `start` to before `end`; undefined when the object is not there */
  async getRange(key: string, start: number, end: number): Promise<Buffer | undefined> {
    try {
      const { Body } = await this.#s3.send(
        new GetObjectCommand({
          Bucket: this.name,
          Key: key,
          Range: `bytes=${start}-${end - 1}`,
        }),
      );
      return bufferOf(await Body?.transformToByteArray());
    } catch (error) {
      // A torn object may end before the range begins.
      if (isMissing(error) || statusOf(error) === 416) return undefined;
      throw this.#named(error, `'${key}' cannot be read`);
    }
  }

  async put(key: string, body: Uint8Array | string, contentType: string): Promise<void> {
    await this.putIf(key, body, contentType, undefined);
  }

  /** @returns the new ETag; undefined when the condition does not hold */
  async putIf(
    key: string,
    body: Uint8Array | string,
    contentType: string,
    condition: Condition | undefined,
  ): Promise<string | undefined> {
    try {
      const { ETag = '' } = await this.#s3.send(
        new PutObjectCommand({
          Bucket: this.name,
          Key: key,
          Body: body,
          ContentType: contentType,
          ...(condition === 'none' && { IfNoneMatch: '*' }),
          ...(typeof condition === 'object' && { IfMatch: condition.etag }),
        }),
      );
      return ETag;
    } catch (error) {
      // 409: another conditional write of the key was under way; 404: the object was deleted meanwhile.
      const status = statusOf(error);
      if (condition !== undefined && (status === 412 || status === 409 || isMissing(error))) {
        return undefined;
      }
      throw this.#named(error, `'${key}' cannot be written`);
    }
  }

  /** What is not there is deleted already. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += MOST_DELETIONS) {
      const Objects = keys.slice(start, start + MOST_DELETIONS).map((Key) => ({ Key }));
      try {
        const { Errors = [] } = await this.#s3.send(
          new DeleteObjectsCommand({ Bucket: this.name, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors;
        if (first) throw new Error(`${first.Code ?? ''} ${first.Message ?? ''}`.trim());
      } catch (error) {
        throw this.#named(error, 'objects cannot be deleted');
      }
    }
  }

  async list(prefix: string): Promise<Listed[]> {
    const listed: Listed[] = [];
    let token: string | undefined;
    do {
      try {
        const page = await this.#s3.send(
          new ListObjectsV2Command({
            Bucket: this.name,
            Prefix: prefix,
            ContinuationToken: token,
          }),
        );
        for (const { Key, ETag = '', LastModified } of page.Contents ?? []) {
          const modified = LastModified?.getTime() ?? 0;
          if (Key !== undefined) listed.push({ key: Key, etag: ETag, modified });
        }
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } catch (error) {
        throw this.#named(error, 'the list of objects cannot be read');
      }
    } while (token !== undefined);
    return listed;
  }

  #named(cause: unknown, what: string): PeopleBucketError {
    if (isNamed(cause, 'NoSuchBucket')) {
      return new NoPeopleBucketError(
        `The people bucket '${this.name}' does not exist: deploy the stack again, or run npm run provision.`,
        { cause },
      );
    }
    return new PeopleBucketError(
      `In the people bucket '${this.name}', ${what} (${messageOf(cause)}). The gallery stays as it was; try again.`,
      { cause },
    );
  }
}

function bufferOf(bytes: Uint8Array | undefined): Buffer {
  if (bytes === undefined) return Buffer.alloc(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isMissing(error: unknown): boolean {
  return isNamed(error, 'NoSuchKey');
}

export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
