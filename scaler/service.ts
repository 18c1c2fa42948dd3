/** The scaler service: connects to AWS and Redis, starts the loop, stops gracefully. Instances outlive it. */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isLoopback } from '../cloud/aws/clients.ts';
import { openProjectClaim } from '../cloud/aws/project-claim.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { openAtStart } from '../cloud/aws/start-up.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { createEc2Clients } from '../cloud/ec2/client.ts';
import { openFleet } from '../cloud/ec2/instances.ts';
import type { LaunchOptions } from '../cloud/ec2/launch-input.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { groupId, openLeadership } from '../cloud/redis/leader.ts';
import { openLeases } from '../cloud/redis/leases.ts';
import { openFigures } from '../cloud/redis/measurements.ts';
import { onFirstRequest, openPressure } from '../cloud/redis/pressure.ts';
import { openScalerStatus } from '../cloud/redis/scaler-status.ts';
import { hasCredentials } from '../runtime/credentials.ts';
import { SettingsError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { requireRedisUrl } from '../runtime/process/service.ts';
import type { ScalerSettings } from '../runtime/settings.ts';
import { tracesUrl } from '../runtime/tracing/open.ts';
import { placesOf } from './decide/placements.ts';
import { keepLead } from './loop/lead.ts';
import { startLoop } from './loop/loop.ts';
import { leadAlone } from './loop/rivals.ts';
import { publisher } from './report/publish.ts';
import { serveStatus } from './report/server.ts';
import type { MadeDecision } from './report/view.ts';

/** The loop retries with growing delays; the SDK's own retries would use up the requests that EC2 allows. */
const EC2_ATTEMPTS = 1;
/** The embedded cloud accepts any id for its only image. */
const LOOPBACK_IMAGE_ID = 'ami-00000000000000000';

/** A tag may take seconds to show; the later scaler waits for a minute without a renewal. */
const CLAIM = { beatMs: 10_000, goneMs: 60_000 };
/** The embedded cloud shows it at once. */
const LOCAL_CLAIM = { beatMs: 1000, goneMs: 5000 };

export interface ScalerService {
  /** The last decisions that changed something, oldest first. */
  readonly decisions: readonly MadeDecision[];
  /** Of its status page and metrics. */
  readonly port: number;
  /** Gives up the lead and leaves the instances as they are. */
  stop(): Promise<void>;
}

/**
 * @param before ends first: its port and its lead are needed here
 * @throws {SettingsError} when REDIS_URL is unset, AMI_ID is against AWS itself, or SCALER_PORT is in use
 * @throws {QueueError} when the project's request queue does not exist
 */
export async function startScaler(
  settings: ScalerSettings,
  log: Logger,
  before?: ScalerService,
): Promise<ScalerService> {
  await before?.stop();
  const redisUrl = requireRedisUrl(settings);
  const launch = launchOptions(settings, log);
  const { keys, requestQueue } = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const clients = createEc2Clients(settings, undefined, EC2_ATTEMPTS);
  const requests = await openAtStart(() => openQueue(clients.sqs, requestQueue), log).catch(
    (error: unknown) => {
      clients.destroy();
      throw error;
    },
  );
  const name = `scaler-${hostname().slice(0, 40)}-${randomBytes(6).toString('hex')}`;
  const group = randomBytes(6).toString('hex');
  const redis = connectRedis(redisUrl, name, log);
  await redis.requireSupported();
  const loop = startLoop({
    projectId: settings.PROJECT_ID,
    settings: { ...settings, places: placesOf(settings) },
    fleet: openFleet(clients.ec2, launch),
    leases: openLeases(redis, keys),
    pressure: openPressure(redis, keys, settings.REQUEST_SECONDS * 1000),
    requests,
    figures: openFigures(redis, keys),
    guess: {
      serviceSeconds: settings.GUESS_SERVICE_SECONDS,
      bootSeconds: settings.GUESS_BOOT_SECONDS,
    },
    onLook: publisher(openScalerStatus(redis, keys), settings, log),
    lead: leadAlone({
      lead: keepLead(openLeadership(redis, keys, name), { log }),
      claim: openProjectClaim(clients.sqs, requestQueue),
      group: (known) => groupId(redis, keys, known, group),
      log,
      ...(isLocal(settings) ? LOCAL_CLAIM : CLAIM),
    }),
    log,
  });
  const listening = onFirstRequest(redis, keys, loop.wake);
  listening.heard.catch(() => {}); // Closed before Redis was there: the ticks do without it.
  const stop = async (): Promise<void> => {
    listening.close();
    await loop.stop();
    redis.disconnect();
    clients.destroy();
  };
  const server = await serveStatus(loop.view, settings).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  log.info({ host: settings.SCALER_HOST, port: server.port }, 'Serving status and metrics');
  let stopped: Promise<void> | undefined;
  return {
    decisions: loop.decisions,
    port: server.port,
    stop() {
      stopped ??= server.close().then(stop);
      return stopped;
    },
  };
}

/**
 * How instances are launched under these settings.
 * @throws {SettingsError} when there is no image to start from
 */
export function launchOptions(settings: ScalerSettings, log: Logger): LaunchOptions {
  const onThisMachine = isLocal(settings);
  const imageId = settings.AMI_ID ?? (onThisMachine ? LOOPBACK_IMAGE_ID : undefined);
  if (imageId === undefined && settings.LAUNCH_TEMPLATE_ID === undefined) {
    throw new SettingsError(
      'AMI_ID is not set. Set it to the image of app-tier instances, e.g. ami-0123456789abcdef0, or set LAUNCH_TEMPLATE_ID.',
    );
  }
  const { INSTANCE_PROFILE, LAUNCH_TEMPLATE_ID, SECURITY_GROUP_ID, SPOT_MAX_PRICE } = settings;
  return {
    projectId: settings.PROJECT_ID,
    ...(imageId === undefined ? {} : { imageId }),
    ...(LAUNCH_TEMPLATE_ID === undefined ? {} : { launchTemplateId: LAUNCH_TEMPLATE_ID }),
    ...(INSTANCE_PROFILE === undefined ? {} : { instanceProfile: INSTANCE_PROFILE }),
    ...(SECURITY_GROUP_ID === undefined ? {} : { securityGroupId: SECURITY_GROUP_ID }),
    ...(SPOT_MAX_PRICE === undefined ? {} : { spotMaxPrice: SPOT_MAX_PRICE }),
    userData: {
      PROJECT_ID: settings.PROJECT_ID,
      ...(settings.BUCKET_SUFFIX !== undefined && { BUCKET_SUFFIX: settings.BUCKET_SUFFIX }),
      ...(settings.ACCOUNT_ID !== undefined && { ACCOUNT_ID: settings.ACCOUNT_ID }),
      AWS_REGION: settings.AWS_REGION,
      VISIBILITY_SECONDS: String(settings.VISIBILITY_SECONDS),
      MAX_RECEIVES: String(settings.MAX_RECEIVES),
      REQUEST_SECONDS: String(settings.REQUEST_SECONDS),
      ALONE_SECONDS: String(settings.ALONE_SECONDS),
      BACKEND: settings.BACKEND,
      PRECISION: settings.PRECISION,
      THREADS: String(settings.THREADS),
      // Unset, a worker takes its own model's.
      ...(settings.KNOWN_DISTANCE !== undefined && {
        KNOWN_DISTANCE: String(settings.KNOWN_DISTANCE),
      }),
      ...(settings.KNOWN_ODDS !== undefined && { KNOWN_ODDS: String(settings.KNOWN_ODDS) }),
      ...(settings.UNKNOWN_NAME !== undefined && { UNKNOWN_NAME: settings.UNKNOWN_NAME }),
      LOG_LEVEL: settings.LOG_LEVEL,
      ...(settings.SETTINGS_PARAMETER !== undefined && {
        SETTINGS_PARAMETER: settings.SETTINGS_PARAMETER,
      }),
      ...tracingForInstances(settings, onThisMachine, log),
      ...redisForInstances(settings.REDIS_URL ?? '', onThisMachine, log),
    },
  };
}

function isLocal({
  AWS_ENDPOINT_URL: endpoint,
}: Pick<ScalerSettings, 'AWS_ENDPOINT_URL'>): boolean {
  return endpoint !== undefined && isLoopback(endpoint);
}

/** Workers send their part of a trace to where the web tier sends its own. */
function tracingForInstances(
  settings: ScalerSettings,
  onThisMachine: boolean,
  log: Logger,
): Record<string, string> {
  const url = tracesUrl(settings);
  if (url === undefined) return {};
  if (onThisMachine || !(hasCredentials(url) || isLoopback(url))) {
    return { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url };
  }
  log.warn(
    'The collector’s address contains a password or is this machine’s own, so it is not put into user data. Set OTEL_EXPORTER_OTLP_ENDPOINT in the environment of the image’s worker.',
  );
  return {};
}

/** Many people and programs can read user data, so it must not contain a password. */
function redisForInstances(
  url: string,
  onThisMachine: boolean,
  log: Logger,
): Record<string, string> {
  if (onThisMachine || !hasCredentials(url)) return { REDIS_URL: url };
  log.warn(
    'REDIS_URL contains credentials, so it is not put into user data. Set REDIS_URL in the environment of the image’s worker, or REDIS_PASSWORD in a secret that SETTINGS_PARAMETER names.',
  );
  return {};
}
