/**
 * Downloads one segment of the gallery into a file and checks it on the way. A download that breaks off continues
 * where it was.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { isServiceOutage } from '../../cloud/aws/service-outage.ts';
import { SegmentError } from '../../people/errors.ts';
import type { SegmentRef } from '../../people/head.ts';

/** Bytes that are collected before they are written. */
const WRITE_BYTES = 2 ** 20;

/** Opens the object under a key, from a byte on. Throws what S3 throws. */
export type OpenObject = (key: string, from: number) => Promise<Readable>;

export function segmentReader(s3: S3Client, bucket: string): OpenObject {
  return async (Key, from) => {
    const Range = from === 0 ? undefined : `bytes=${from}-`;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range }));
    if (Body === undefined) throw new SegmentError(`The gallery segment '${Key}' is empty.`);
    return Body as Readable;
  };
}

/**
 * The file appears whole or not at all.
 * @throws {SegmentError} when the object is not the one that is listed; what S3 throws
 */
export async function download(
  openObject: OpenObject,
  segment: SegmentRef,
  path: string,
): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(part, 'wx', 0o600);
    try {
      await receive(openObject, segment, file);
    } finally {
      await file.close();
    }
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

async function receive(
  openObject: OpenObject,
  { key, bytes, sha256 }: SegmentRef,
  file: FileHandle,
): Promise<void> {
  const received = new Received(file);
  for (;;) {
    const before = received.bytes;
    try {
      await received.take(await openObject(key, before), bytes);
      break;
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'NoSuchKey') {
        throw new SegmentError(`The gallery segment '${key}' is not in the bucket.`, { cause });
      }
      // Each attempt must bring something, or the caller decides when to try again.
      if (received.bytes === before || !isServiceOutage(cause)) throw cause;
    }
  }
  if (received.bytes !== bytes || received.digest() !== sha256) {
    throw new SegmentError(
      `The gallery segment '${key}' is torn or forged: it is not the one that the head lists.`,
    );
  }
}

/** What has arrived of an object, in the file and in the digest alike. */
class Received {
  bytes = 0;
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #pieces: Uint8Array[] = [];
  #collected = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @param most bytes: a longer object is read no further */
  async take(source: Readable, most: number): Promise<void> {
    try {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        this.#hash.update(chunk);
        this.bytes += chunk.length;
        this.#pieces.push(chunk);
        this.#collected += chunk.length;
        if (this.bytes > most) break;
        if (this.#collected >= WRITE_BYTES) await this.#write();
      }
    } finally {
      await this.#write();
    }
  }

  digest(): string {
    return this.#hash.digest('hex');
  }

  async #write(): Promise<void> {
    const together = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#collected = 0;
    await this.#file.writeFile(together);
  }
}
