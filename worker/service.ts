/** The worker service: connects to AWS and Redis, starts inference, takes requests, keeps its lease, drains. */

import { setTimeout as delay } from 'node:timers/promises';
import { createAwsClients } from '../cloud/aws/clients.ts';
import { openPhotos, openResults } from '../cloud/aws/s3/objects.ts';
import { openObjects } from '../cloud/aws/s3/stored-objects.ts';
import { openDeadLetters } from '../cloud/aws/sqs/dead-letters.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { openAtStart } from '../cloud/aws/start-up.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { metadataEndpoint } from '../cloud/ec2/metadata.ts';
import { openSpotNotices } from '../cloud/ec2/spot-notices.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { hasLeader } from '../cloud/redis/leader.ts';
import type { LeaseState } from '../cloud/redis/leases.ts';
import { openLeases } from '../cloud/redis/leases.ts';
import { openPressure } from '../cloud/redis/pressure.ts';
import { openRelay } from '../cloud/redis/relay.ts';
import type { Logger } from '../runtime/log.ts';
import { requireRedisUrl } from '../runtime/process/service.ts';
import type { WorkerSettings } from '../runtime/settings.ts';
import { openTracing } from '../runtime/tracing/open.ts';
import { Activity } from './activity.ts';
import { type FollowOptions, followGallery } from './gallery/follow.ts';
import { publishOwnGallery } from './gallery/publish-base.ts';
import type { Inference } from './inference/inference.ts';
import { startInference } from './inference/start.ts';
import { keepLease } from './lease.ts';
import { answerRequest, type RequestParts } from './requests/answer.ts';
import { AnswerGroups } from './requests/answer-groups.ts';
import { Consumer } from './requests/consume.ts';
import { giveUp } from './requests/give-up.ts';
import { OutageRetry } from './requests/outage-retry.ts';
import { postponer } from './requests/postpone.ts';
import { watchSpotNotices } from './spot.ts';
import { watchUnneeded } from './unneeded.ts';

/** People work waits this long for the model's gallery to be published. */
const PUBLISH_WAIT_MS = 10_000;

export interface WorkerService {
  readonly state: LeaseState;
  /** Resolves when the model is loaded; rejects when no inference process stays up here. */
  readonly ready: Promise<unknown>;
  /** Rejects, never resolves, when no inference process stays up here. */
  readonly failed: Promise<never>;
  /** Resolves when this instance is no longer needed; never outside EC2. */
  readonly unneeded: Promise<void>;
  /** Resolves when this process may hold traces of people who were forgotten: it should be replaced. */
  readonly erased: Promise<void>;
  /** Receives no more, finishes what is in progress, and keeps reporting its lease. */
  drain(): Promise<void>;
  /**
   * Drains, then closes everything.
   * @param restarts whether this instance starts again at once, with other settings
   */
  stop(options?: { readonly restarts: boolean }): Promise<void>;
}

export interface WorkerOptions {
  readonly settings: WorkerSettings;
  readonly instanceId: string;
  readonly log: Logger;
  /** Started already, since loading the model takes longest; else it is started here. Ended by `drain`. */
  readonly inference?: Inference;
  /** Where and how the live gallery is followed, for tests. */
  readonly gallery?: Pick<FollowOptions, 'folder' | 'pollMs' | 'unreferencedMs'>;
}

/**
 * @throws {SettingsError} when REDIS_URL is unset
 * @throws {QueueError} when the project's queues do not exist
 */
export async function startWorker(options: WorkerOptions): Promise<WorkerService> {
  const { settings, instanceId, log } = options;
  const redisUrl = requireRedisUrl(settings);
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const clients = createAwsClients(settings);
  const [requests, replies, buried] = await openAtStart(
    () =>
      Promise.all([
        openQueue(clients.sqs, names.requestQueue),
        openQueue(clients.sqs, names.replyQueue),
        openQueue(clients.sqs, names.deadLetterQueue),
      ]),
    log,
  );
  const redis = connectRedis(redisUrl, instanceId, log);
  await redis.requireSupported();
  const pressure = openPressure(redis, names.keys, settings.REQUEST_SECONDS * 1000);
  const photos = openPhotos(clients.s3, names.inBucket);
  const results = openResults(clients.s3, names.outBucket, settings.UNKNOWN_NAME);
  const activity = new Activity();
  const inference = options.inference ?? startInference(settings, log);
  const following = followGallery({
    ...options.gallery,
    s3: clients.s3,
    bucket: names.peopleBucket,
    endpoint: settings.AWS_ENDPOINT_URL,
    redis,
    keys: names.keys,
    inference,
    log,
  });
  const { follower } = following;
  const stopping = new AbortController();
  const published = publishOwnGallery({
    s3: clients.s3,
    bucket: names.peopleBucket,
    directory: settings.MODEL_DIR,
    log,
    signal: stopping.signal,
  });
  const mostDeliveries = settings.MAX_RECEIVES;
  const model = () => inference.model;
  const parts: RequestParts = {
    ...{ photos, results, replies, pressure, model, mostDeliveries, instanceId },
    groups: new AnswerGroups(() => activity.inHand),
    works: openObjects(clients.s3, names.peopleBucket),
    compute: (bytes, ask) => inference.compute(bytes, ask),
    async perform(task) {
      // Its result may become the first change of the gallery, which starts from what is published.
      await Promise.race([published, delay(PUBLISH_WAIT_MS, undefined, { ref: false })]);
      return inference.perform(task);
    },
    catchUp: (version) => follower.catchUp(version),
    namesStrangers: settings.UNKNOWN_NAME !== undefined,
  };
  const outages = new OutageRetry({ requestMs: settings.REQUEST_SECONDS * 1000, log });
  const ending = { deadLetters: openDeadLetters(buried), replies, pressure };
  const tracing = await openTracing({ settings, service: 'worker', instance: instanceId, log });
  const consumer = new Consumer({
    tracing,
    requests,
    activity,
    inference,
    outages,
    postpone: postponer({ requests, pressure, relay: openRelay(redis, names.keys), activity, log }),
    answer: (request, delivery, requestLog) =>
      answerRequest(request, delivery, outages.with(parts, delivery), requestLog),
    giveUp: ({ body, deliveries }, request, reason, permanent) => {
      const verdict = { reason, deliveries, worker: instanceId };
      return giveUp({ body, request, verdict, permanent }, ending, log);
    },
    visibilitySeconds: settings.VISIBILITY_SECONDS,
    mostDeliveries,
    log,
  });
  const lease = keepLease({
    leases: openLeases(redis, names.keys),
    instanceId,
    activity,
    gallery: follower,
    onDrainWish: () => void drain(),
    log,
  });
  let finished: Promise<void> | undefined;
  /** Finishes what is in hand. */
  const finish = (): Promise<void> => {
    finished ??= (async () => {
      lease.tell();
      outages.leave();
      await consumer.drain();
      await inference.stop();
    })();
    return finished;
  };
  let drained: Promise<void> | undefined;
  const drain = (): Promise<void> => {
    drained ??= (async () => {
      log.info('Draining');
      activity.drain();
      await finish();
      activity.drained();
      lease.tell();
      log.info({ finished: activity.lease.finished }, 'Drained');
    })();
    return drained;
  };
  let givingBack: NodeJS.Timeout | undefined;
  const endpoint = metadataEndpoint(settings);
  const spot =
    endpoint === undefined
      ? undefined
      : watchSpotNotices({
          read: openSpotNotices(endpoint),
          log,
          onInterruption(giveBackInMs) {
            void drain();
            // Photos not computed in time are rejected, and so given back.
            givingBack = setTimeout(() => void inference.stop(), giveBackInMs);
          },
        });
  const unneeded =
    endpoint === undefined
      ? undefined
      : watchUnneeded({
          leads: () => hasLeader(redis, names.keys),
          activity,
          aloneMs: settings.ALONE_SECONDS * 1000,
          log,
        });
  inference.ready().then(
    () => {
      activity.ready();
      lease.tell();
    },
    () => {}, // `failed` reports it.
  );
  consumer.start();
  return {
    get state() {
      return activity.lease.state;
    },
    ready: inference.ready(),
    failed: inference.unfit,
    unneeded: unneeded?.unneeded ?? new Promise(() => {}),
    erased: following.erased,
    drain,
    async stop({ restarts } = { restarts: false }) {
      unneeded?.stop();
      if (restarts) {
        activity.restart();
        await finish();
      } else await drain();
      spot?.stop();
      clearTimeout(givingBack);
      stopping.abort();
      await following.stop();
      await lease.stop();
      await tracing.stop();
      redis.disconnect();
      clients.destroy();
    },
  };
}
