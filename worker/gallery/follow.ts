/** Connects a worker's follower of the live gallery to the people bucket, to Redis and to its inference process. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Redis } from 'ioredis';
import { openGalleryVersion } from '../../cloud/redis/gallery-version.ts';
import { folders } from '../../runtime/folders.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Inference } from '../inference/inference.ts';
import { segmentReader } from './download.ts';
import { GalleryFollower } from './follower.ts';
import { keptHeadsReader } from './kept-heads.ts';
import { headReader } from './read-head.ts';
import { SegmentCache } from './segment-cache.ts';

/** Announced versions are taken at most this often; a request that needs one makes the worker look at once. */
const ANNOUNCED_MS = 250;

export interface FollowOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Where that bucket is: another cloud's bucket may have the same name. */
  readonly endpoint: string | undefined;
  readonly redis: Redis;
  /** Prefix of every Redis key. */
  readonly keys: string;
  readonly inference: Inference;
  readonly log: Logger;
  /** Of the segments; one in the user's cache unless a test brings another. */
  readonly folder?: string | undefined;
  readonly pollMs?: number | undefined;
  readonly unreferencedMs?: number | undefined;
}

export interface Following {
  readonly follower: GalleryFollower;
  /** Resolves when somebody was erased whom this process has searched for: its memory may hold them. */
  readonly erased: Promise<void>;
  stop(): Promise<void>;
}

export function followGallery(options: FollowOptions): Following {
  const { s3, bucket, redis, keys, inference, log, folder = folderOf(options) } = options;
  const { pollMs, unreferencedMs } = options;
  const erased = Promise.withResolvers<void>();
  /** What was erased until this version has never been in this process. */
  let first: number | undefined;
  const follower = new GalleryFollower({
    readHead: headReader(s3, bucket),
    readKeptHeads: keptHeadsReader(s3, bucket),
    cache: new SegmentCache({ folder, open: segmentReader(s3, bucket), unreferencedMs }),
    pollMs,
    swap: (gallery) => inference.swap(gallery),
    onReplaced({ erased: newest = 0 }) {
      if (first !== undefined && newest > first) erased.resolve();
    },
    log,
  });
  inference.prepareWith(async () => {
    await follower.prepare();
    first ??= follower.version;
  });
  let lookedAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer ??= setTimeout(
      () => {
        timer = undefined;
        lookedAt = performance.now();
        follower
          .look()
          .catch((err: unknown) => log.debug({ err }, 'Cannot follow the gallery now'));
      },
      Math.max(0, lookedAt + ANNOUNCED_MS - performance.now()),
    );
  };
  const subscription = openGalleryVersion(redis, keys, log).onChanged(look, look);
  follower.start();
  return {
    follower,
    erased: erased.promise,
    async stop() {
      subscription.close();
      clearTimeout(timer);
      await follower.stop();
    },
  };
}

function folderOf({ bucket, endpoint = 'aws' }: FollowOptions): string {
  const place = createHash('sha256').update(`${endpoint} ${bucket}`).digest('hex').slice(0, 12);
  return join(folders.cache, 'gallery', `${bucket}-${place}`);
}
