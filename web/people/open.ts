/** Opens what the routes about people need: the gallery, work for workers, and forgetting. */
import type { AwsClients } from '../../cloud/aws/clients.ts';
import { openResults } from '../../cloud/aws/s3/objects.ts';
import { openObjects } from '../../cloud/aws/s3/stored-objects.ts';
import type { Queue } from '../../cloud/aws/sqs/queues.ts';
import type { CloudNames } from '../../cloud/contract/names.ts';
import type { RedisConnection } from '../../cloud/redis/connection.ts';
import { eraseAnswers } from '../../cloud/redis/erase-answers.ts';
import { openGalleryVersion } from '../../cloud/redis/gallery-version.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { Recognitions } from '../../cloud/redis/recognitions.ts';
import { openGallery } from '../../people/store.ts';
import type { Logger } from '../../runtime/log.ts';
import type { WebSettings } from '../../runtime/settings.ts';
import type { WebMetrics } from '../metrics/metrics.ts';
import type { Waiters } from '../recognize/waiters.ts';
import { uploadsMb } from '../upload/form-reader.ts';
import { openKeptPhotos } from './enrol/kept-photos.ts';
import { eraseDeadLetters, eraseResults } from './forget/erase-results.ts';
import { openForget } from './forget/forget.ts';
import { openReceipts } from './forget/receipts.ts';
import { openSigningKey } from './forget/signing-key.ts';
import { type Sweep, startSweep } from './forget/sweep.ts';
import { openTraces } from './forget/traces.ts';
import { openLiveGallery } from './gallery/gallery.ts';
import { MOST_ENROLMENT_PHOTOS } from './people.ts';
import type { PeopleParts } from './routes.ts';
import { workSubmitter } from './work/work.ts';

export interface PeopleSources {
  readonly settings: WebSettings;
  readonly names: CloudNames;
  readonly clients: AwsClients;
  readonly redis: RedisConnection;
  readonly node: string;
  readonly requests: Queue;
  readonly deadLetters: Queue;
  readonly pressure: Pressure;
  readonly waiters: Waiters;
  readonly recognitions: Recognitions;
  readonly metrics: () => Pick<WebMetrics, 'galleryVersion' | 'forgotten'>;
  readonly log: Logger;
}

export interface People {
  readonly parts: PeopleParts;
  /** Newest version of the live gallery that this node knows of. */
  readonly galleryVersion: () => number | undefined;
  /** Begins to forget people whose time is over, and to tidy up. */
  start(): void;
  stop(): Promise<void>;
}

export function openPeople(sources: PeopleSources): People {
  const { settings, names, clients, redis, deadLetters, pressure, log } = sources;
  const { s3 } = clients;
  const requestMs = settings.REQUEST_SECONDS * 1000;
  const objects = openObjects(s3, names.peopleBucket);
  const versions = openGalleryVersion(redis, names.keys, log);
  let sweep: Sweep | undefined;
  const store = openGallery({
    s3,
    bucket: names.peopleBucket,
    versions: settings.GALLERY_VERSIONS,
    log,
  });
  const gallery = openLiveGallery({
    store,
    versions,
    onSeen(version) {
      sources.metrics().galleryVersion(version);
      sweep?.changed();
    },
  });
  const galleryVersion = (): number | undefined => gallery.known;
  // A Redis that has lost its data learns the version again.
  redis.on('ready', () => {
    if (gallery.known !== undefined) void versions.announce(gallery.known);
  });
  const signingKey = openSigningKey(objects);
  const receipts = openReceipts(objects, signingKey);
  const forget = openForget({
    gallery,
    store,
    receipts,
    traces: openTraces({
      objects,
      pressure,
      requestMs,
      eraseAnswers: (mentions) => eraseAnswers(redis, names.keys, mentions),
      eraseDeadLetters: (mentions) => eraseDeadLetters(deadLetters, mentions),
      eraseResults: (people, mentions) => eraseResults(s3, names.outBucket, people, mentions),
      retentionDays: settings.RETENTION_DAYS,
    }),
    onForgotten: (reason) => sources.metrics().forgotten(reason),
    log,
  });
  const keptPhotos = settings.KEEP_ENROLLED_PHOTOS === 'true' ? openKeptPhotos(objects) : undefined;
  return {
    galleryVersion,
    parts: {
      gallery,
      store,
      forget,
      receipts,
      signingKey,
      keptPhotos,
      submit: workSubmitter({ ...sources, objects, galleryVersion }),
      recognitions: sources.recognitions,
      results: openResults(s3, names.outBucket),
      maxUploadsMb: uploadsMb(
        MOST_ENROLMENT_PHOTOS,
        settings.MAX_UPLOAD_MB,
        settings.UPLOAD_MEMORY_MB,
      ),
    },
    start() {
      const leaseKey = `${names.keys}:people-sweep`;
      const takeLease = async (ms: number): Promise<boolean> =>
        (await redis.set(leaseKey, sources.node, 'PX', Math.ceil(ms), 'NX')) === 'OK';
      const takeBase = async (): Promise<void> => {
        const version = await store.takeBase();
        if (version !== undefined) await gallery.announce(version);
      };
      sweep ??= startSweep({ gallery, forget, takeBase, objects, takeLease, requestMs, log });
    },
    async stop() {
      await sweep?.stop();
      await forget.settled();
      await store.close();
    },
  };
}
