/**
 * Segments of the live gallery on this machine's disk, named by their digest and shared by all its workers: each
 * is downloaded once, appears whole or not at all, and is deleted soon after no version needs it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { SegmentError } from '../../people/errors.ts';
import type { SegmentRef } from '../../people/head.ts';
import { withLock } from '../../runtime/lock.ts';

const DOWNLOADS_AT_ONCE = 8;
/** Below this, to download twice is faster than to wait for another worker's download. */
const SHARED_FROM_BYTES = 4 * 1024 * 1024;
/** A file that no version needs is kept for this long: another worker may be about to read it. */
const UNREFERENCED_MS = 30_000;
/** What a killed worker has begun and not finished. */
const ABANDONED_MS = 600_000;

/** What the inference process keeps beside a large segment, and what is deleted with it. */
const INDEX = /\.index$/;

/** Opens the object under a key. Throws what S3 throws. */
export type OpenObject = (key: string) => Promise<Readable>;

export function segmentReader(s3: S3Client, bucket: string): OpenObject {
  return async (Key) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    if (Body === undefined) throw new SegmentError(`The gallery segment '${Key}' is empty.`);
    return Body as Readable;
  };
}

export interface SegmentCacheOptions {
  readonly folder: string;
  readonly open: OpenObject;
  readonly unreferencedMs?: number | undefined;
}

export class SegmentCache {
  readonly #folder: string;
  readonly #open: OpenObject;
  readonly #unreferencedMs: number;
  readonly #slots = pLimit(DOWNLOADS_AT_ONCE);
  /** Since when a file is not needed, by its name. */
  readonly #unneededSince = new Map<string, number>();

  constructor({ folder, open, unreferencedMs = UNREFERENCED_MS }: SegmentCacheOptions) {
    this.#folder = folder;
    this.#open = open;
    this.#unreferencedMs = unreferencedMs;
  }

  /**
   * Downloads what is not on this machine yet.
   * @returns their files, in their order
   * @throws {SegmentError} when an object is not the one that is listed
   */
  async provide(segments: readonly SegmentRef[]): Promise<string[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return Promise.all(segments.map((segment) => this.#slots(() => this.#provideOne(segment))));
  }

  /** Deletes those that are damaged on the disk, so that they are downloaded again. */
  async deleteDamaged(segments: readonly SegmentRef[]): Promise<void> {
    for (const segment of segments) {
      const path = this.#pathOf(segment);
      const hash = createHash('sha256');
      await pipeline(createReadStream(path), hash).catch(() => {});
      if (hash.digest('hex') !== segment.sha256) await rm(path, { force: true });
    }
  }

  /**
   * Deletes what has not been needed for a while. Files in use elsewhere may go, too: a process that has read
   * or mapped one keeps it.
   */
  async sweep(needed: readonly SegmentRef[]): Promise<void> {
    const folder = this.#folder;
    const names = new Set(needed.map(nameOf));
    const files = await readdir(folder).catch((): string[] => []);
    for (const name of files) {
      const path = join(folder, name);
      const segment = name.replace(INDEX, '');
      if (!segment.endsWith('.bin')) {
        const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
        if (age > ABANDONED_MS) await rm(path, { force: true });
      } else if (names.has(segment)) {
        this.#unneededSince.delete(name);
      } else {
        const since = this.#unneededSince.get(name) ?? performance.now();
        this.#unneededSince.set(name, since);
        if (performance.now() - since >= this.#unreferencedMs) await rm(path, { force: true });
      }
    }
    for (const name of this.#unneededSince.keys()) {
      if (!files.includes(name)) this.#unneededSince.delete(name);
    }
  }

  #pathOf(segment: SegmentRef): string {
    return join(this.#folder, nameOf(segment));
  }

  async #provideOne(segment: SegmentRef): Promise<string> {
    const path = this.#pathOf(segment);
    const isThere = async (): Promise<boolean> =>
      (await stat(path).catch(() => undefined))?.size === segment.bytes;
    if (await isThere()) return path;
    const download = async (): Promise<void> => {
      if (!(await isThere())) await this.#download(segment, path);
    };
    if (segment.bytes < SHARED_FROM_BYTES) await download();
    else await withLock(`${path}.lock`, download);
    return path;
  }

  async #download(segment: SegmentRef, path: string): Promise<void> {
    const { key, bytes, sha256 } = segment;
    const part = `${path}.${randomUUID()}.part`;
    const hash = createHash('sha256');
    let size = 0;
    try {
      const source = await this.#open(key).catch((cause: unknown) => {
        if (cause instanceof Error && cause.name === 'NoSuchKey') {
          throw new SegmentError(`The gallery segment '${key}' is not in the bucket.`, { cause });
        }
        throw cause;
      });
      await pipeline(
        source,
        async function* (chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of chunks) {
            size += chunk.length;
            if (size > bytes) break;
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(part, { mode: 0o600, flags: 'wx' }),
      );
      if (size !== bytes || hash.digest('hex') !== sha256) {
        throw new SegmentError(
          `The gallery segment '${key}' is torn or forged: it is not the one that the head lists.`,
        );
      }
      await rename(part, path);
    } finally {
      await rm(part, { force: true });
    }
  }
}

function nameOf({ sha256 }: SegmentRef): string {
  return `${sha256}.bin`;
}
