/** Starts the web tier: connects to AWS and Redis, serves HTTP, and stops gracefully. */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { createAwsClients } from '../cloud/aws/clients.ts';
import { openPhotos, openResults } from '../cloud/aws/s3/objects.ts';
import { openObjects } from '../cloud/aws/s3/stored-objects.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { openAtStart } from '../cloud/aws/start-up.ts';
import type { ReplyMessage } from '../cloud/contract/messages.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openLeases } from '../cloud/redis/leases.ts';
import { openFigures } from '../cloud/redis/measurements.ts';
import { openPressure } from '../cloud/redis/pressure.ts';
import { openRateLimit } from '../cloud/redis/rate-limit.ts';
import { onReplyKept, openRecognitions } from '../cloud/redis/recognitions.ts';
import { openRelay } from '../cloud/redis/relay.ts';
import { openRequestIds } from '../cloud/redis/request-ids.ts';
import { openScalerStatus } from '../cloud/redis/scaler-status.ts';
import { browserGuard, isThisMachine } from '../runtime/browser-guard.ts';
import { SettingsError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { requireRedisUrl } from '../runtime/process/service.ts';
import type { WebSettings } from '../runtime/settings.ts';
import { openTracing } from '../runtime/tracing/open.ts';
import { accessBy } from './access.ts';
import { ResultUpdates } from './api/result-updates.ts';
import { MOST_PHOTOS } from './api/schemas.ts';
import { createApp } from './app.ts';
import { httpError } from './errors.ts';
import { Answers } from './live/answers.ts';
import { openLive } from './live/live.ts';
import { webMetrics } from './metrics/metrics.ts';
import { photoCounts } from './metrics/photo-counts.ts';
import { openSamples } from './page/samples.ts';
import { openPage } from './page/serve-page.ts';
import { openPeople } from './people/open.ts';
import { startDispatcher } from './recognize/dispatcher.ts';
import { missedReplies } from './recognize/missed-replies.ts';
import { enqueuer, submitter } from './recognize/recognition.ts';
import { openWaitForecast } from './recognize/wait-forecast.ts';
import { Waiters } from './recognize/waiters.ts';
import { serveReplaceably, type WebService } from './server/replaceable.ts';
import { Admission } from './upload/admission.ts';
import { BYTES_PER_MB, uploadsMb } from './upload/form-reader.ts';

export type { WebService } from './server/replaceable.ts';

/**
 * @param before is replaced without refusing a request
 * @throws {SettingsError} if REDIS_URL is unset, PORT is in use, or RATE_PER_MINUTE is set without API_KEYS
 * @throws {QueueError} if the project's queues do not exist
 */
export async function startWeb(
  settings: WebSettings,
  log: Logger,
  before?: WebService,
): Promise<WebService> {
  const redisUrl = requireRedisUrl(settings);
  if (settings.RATE_PER_MINUTE > 0 && settings.API_KEYS === undefined) {
    throw new SettingsError('RATE_PER_MINUTE counts by key: set API_KEYS too, or leave it at 0.');
  }
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const clients = createAwsClients(settings);
  const [requests, replies, deadLetters] = await openAtStart(
    () =>
      Promise.all([
        openQueue(clients.sqs, names.requestQueue),
        openQueue(clients.sqs, names.replyQueue),
        openQueue(clients.sqs, names.deadLetterQueue),
      ]),
    log,
  );
  const node = `web-${hostname().slice(0, 40)}-${randomBytes(6).toString('hex')}`;
  const redis = connectRedis(redisUrl, node, log);
  const pressure = openPressure(redis, names.keys, settings.REQUEST_SECONDS * 1000);
  await redis.requireSupported();
  const relay = openRelay(redis, names.keys);
  const results = openResults(clients.s3, names.outBucket);
  const works = openObjects(clients.s3, names.peopleBucket);
  const missed = missedReplies({ node, relay, results, works, log });
  const waiters = new Waiters(settings.REQUEST_SECONDS, missed.find);
  const admission = new Admission({
    maxRequests: settings.MAX_REQUESTS,
    uploadBytes: settings.UPLOAD_MEMORY_MB * BYTES_PER_MB,
  });
  const tracing = await openTracing({ settings, service: 'web', instance: node, log });
  const workers = {
    leases: openLeases(redis, names.keys),
    scaler: openScalerStatus(redis, names.keys),
  };
  const live = openLive(
    {
      pressure,
      ...workers,
      answers: new Answers(),
    },
    log,
  );
  const requestMs = settings.REQUEST_SECONDS * 1000;
  const keepMs = requestMs + settings.ANSWER_SECONDS * 1000;
  const recognitions = openRecognitions(redis, names.keys, keepMs);
  const updates = new ResultUpdates((onStored, onConnected) =>
    onReplyKept(redis, names.keys, onStored, onConnected),
  );
  const photos = openPhotos(clients.s3, names.inBucket);

  const people = openPeople({
    settings,
    names,
    clients,
    redis,
    node,
    requests,
    deadLetters,
    pressure,
    waiters,
    recognitions,
    metrics: () => metrics,
    log,
  });
  const { galleryVersion } = people;
  const page = openPage();
  let stopping = false;
  const notReady = (): string | undefined => (stopping ? 'stopping' : dispatcher.trouble);
  const degraded = (): string | undefined => redis.trouble ?? dispatcher.degraded;
  const metrics = webMetrics({
    waiters,
    admission,
    pressure,
    queues: { requests, replies, dead_letters: deadLetters },
    isReady: () => notReady() === undefined,
    workers,
  });
  const { onSent } = metrics;
  const counts = photoCounts(metrics, live);
  const onReply = (reply: ReplyMessage): void => {
    metrics.onReply(reply);
    counts.replied(reply);
  };
  const dispatcher = startDispatcher({
    node,
    replies,
    relay,
    waiters,
    missed,
    requestMs,
    keep: recognitions.keep,
    onReply,
    log,
  });
  const app = createApp({
    unknownName: settings.UNKNOWN_NAME,
    submit: submitter({
      node,
      photos,
      pressure,
      requests,
      waiters,
      galleryVersion,
      onSent,
      log,
    }),
    admission,
    forecast: openWaitForecast({
      pressure,
      scaler: openScalerStatus(redis, names.keys),
      figures: openFigures(redis, names.keys),
      requestSeconds: settings.REQUEST_SECONDS,
    }),
    access: accessBy({
      apiKeys: settings.API_KEYS,
      adminKeyHash: settings.ADMIN_KEY_HASH,
      rateLimit:
        settings.RATE_PER_MINUTE === 0
          ? undefined
          : openRateLimit(redis, names.keys, settings.RATE_PER_MINUTE),
    }),
    metrics,
    live,
    samples: openSamples(settings.SAMPLES_DIR && resolve(settings.SAMPLES_DIR)),
    notReady,
    degraded,
    guard:
      settings.HOST !== undefined && isThisMachine(settings.HOST)
        ? browserGuard({ allowedHosts: settings.ALLOWED_HOSTS })
        : undefined,
    requestIds: openRequestIds(redis, names.keys, requestMs),
    api: {
      enqueue: enqueuer({ photos, pressure, requests, galleryVersion, onSent, log }),
      recognitions,
      updates,
      lateMs: requestMs,
      maxUploadsMb: uploadsMb(MOST_PHOTOS, settings.MAX_UPLOAD_MB, settings.UPLOAD_MEMORY_MB),
    },
    people: people.parts,
    isStopping: () => stopping,
    page,
    maxUploadMb: settings.MAX_UPLOAD_MB,
    tracing,
    log,
  });
  const close = async (): Promise<void> => {
    await dispatcher.stop();
    await people.stop();
    await tracing.stop();
    updates.stop();
    redis.disconnect();
    clients.destroy();
  };
  const service = await serveReplaceably({
    app,
    settings,
    before,
    notReady,
    onStop() {
      stopping = true;
      updates.stop();
    },
    endViews: live.stop,
    rejectWaiting: () => waiters.rejectAll(httpError.stopping),
    close,
    log,
  });
  log.info({ port: service.port, node }, 'Listening');
  page.prepare();
  people.start();
  return service;
}
