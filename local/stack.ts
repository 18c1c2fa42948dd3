/**
 * Everything on one machine, in the order it needs: cloud, Redis, queues and buckets, the services as
 * processes; and back. Knows nothing about terminals.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAwsClients } from '../cloud/aws/clients.ts';
import { provision } from '../cloud/aws/provision.ts';
import { PROJECT_TAG, WEB_INSTANCE_NAME } from '../cloud/contract/names.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Settings } from '../runtime/settings.ts';
import { startLocalCloud } from './cloud.ts';
import type { Instance, StateName } from './ec2/fleet/instance.ts';
import type { LaunchMachine } from './ec2/fleet/machines.ts';
import { LOCAL_IMAGE_ID } from './ec2/lists/offers.ts';
import { LOOPBACK, LocalCloudError } from './endpoint.ts';
import { cloudEnvironment, machineEnvironment, processLauncher } from './processes/instances.ts';
import { COMMAND_LINE, type Service, startService } from './processes/service.ts';
import { type LocalRedis, startRedis } from './redis.ts';

/** Time for the web tier to answer what is in flight before it is killed. */
const WEB_GRACE_MS = 30_000;
const SCALER_GRACE_MS = 10_000;
const READY_MS = 60_000;
/** Those that shut down or are stopped count too, while others take their places. */
const ACCOUNT_SHARE = 2;

/** In the order in which they are ready. */
export const parts = ['cloud', 'model', 'redis', 'scaler', 'web'] as const;
export type Part = (typeof parts)[number];

export interface StackOptions {
  readonly settings: Settings;
  readonly log: Logger;
  /** The user's environment; of it, services get only what leads them to their files. */
  readonly machine: Readonly<Record<string, string | undefined>>;
  /** Makes the model of MODEL_DIR where it is missing. */
  readonly prepareModel: () => Promise<void>;
  /** Ends a start that is under way. */
  readonly signal: AbortSignal;
  readonly onReady?: (part: Part) => void;
  readonly onInstanceChange?: (instance: Instance, before: StateName | undefined) => void;
  /** Script and arguments that instances run; the worker unless a test brings another. */
  readonly instanceProgram?: readonly string[];
  /** Runs the instances instead of processes here, e.g. virtual machines. Gets the cloud's address. */
  readonly launcher?: (cloudUrl: string) => LaunchMachine;
}

export interface Stack {
  readonly webUrl: string;
  readonly cloudUrl: string;
  /** The scaler's status page; its metrics are at /metrics there. */
  readonly scalerUrl: string;
  readonly redis: Pick<LocalRedis, 'url' | 'kind'>;
  readonly logFolder: string;
  /** Rejects when a part ends unexpectedly; the others still run then. */
  readonly died: Promise<never>;
  /** Stops all, the web tier first, so that what is in flight is still answered. */
  stop(): Promise<void>;
}

/**
 * Starts everything and waits until the web tier is ready; on failure nothing is left running.
 * @throws {LocalCloudError} when a port or the data folder is in use or a service does not start
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let close = started.pop(); close; close = started.pop()) await close();
  };
  try {
    return await startParts(options, started, stop);
  } catch (error) {
    await stop();
    if (options.signal.aborted)
      throw new LocalCloudError('Stopped while starting.', { cause: error });
    throw error;
  }
}

async function startParts(
  options: StackOptions,
  started: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<Stack> {
  const { settings, log, machine, prepareModel, signal, onReady, onInstanceChange } = options;
  const { instanceProgram = [COMMAND_LINE, 'worker'] } = options;
  await checkPort(settings.PORT);
  const logFolder = join(settings.LOCAL_DATA_DIR, 'logs');
  const region = settings.AWS_REGION;
  const cloud = await startLocalCloud({
    port: settings.LOCAL_CLOUD_PORT,
    dataDir: settings.LOCAL_DATA_DIR,
    region,
    allowedHosts: settings.ALLOWED_HOSTS,
    log,
    instanceLimit: ACCOUNT_SHARE * settings.MAX_INSTANCES,
    imitation: settings,
    launcher:
      options.launcher ??
      ((endpointUrl) =>
        processLauncher({
          args: instanceProgram,
          image: imageSettings(settings),
          endpointUrl,
          region,
          logFolder,
          machine,
        })),
    ...(onInstanceChange === undefined ? {} : { onInstanceChange }),
  });
  started.push(() => cloud.stop());
  onReady?.('cloud');

  await untilAborted(prepareModel(), signal);
  onReady?.('model');
  const redis = await startRedis({
    url: settings.REDIS_URL,
    folder: join(settings.LOCAL_DATA_DIR, 'redis'),
    logFile: join(logFolder, 'redis.log'),
    searchPath: machine.PATH ?? '',
  });
  started.push(() => redis.stop());
  await provisionIn(cloud.url, settings);
  // Before Redis goes: a worker that ends takes back its lease.
  started.push(() => cloud.stopInstances());
  signal.throwIfAborted();
  onReady?.('redis');

  const environment = {
    ...machineEnvironment(machine),
    ...asEnvironment({
      ...settings,
      HOST: settings.HOST ?? LOOPBACK,
      REDIS_URL: redis.url,
      AMI_ID: settings.AMI_ID ?? LOCAL_IMAGE_ID,
    }),
    ...cloudEnvironment({ endpointUrl: cloud.url, region }),
  };
  const scaler = await startService({
    name: 'scaler',
    environment,
    logFolder,
    graceMs: SCALER_GRACE_MS,
  });
  started.push(() => scaler.stop());
  const web = await startService({ name: 'web', environment, logFolder, graceMs: WEB_GRACE_MS });
  started.push(() => web.stop());
  const redisDied = redis.died.then((how) => Promise.reject(new LocalCloudError(`${how}.`)));
  const died = Promise.race([web.died, scaler.died, redisDied]);
  died.catch(() => undefined);

  // Each service learns when it listens, in either order.
  const scalerPort = untilAborted(Promise.race([scaler.port, died]), signal);
  scalerPort.then(
    () => onReady?.('scaler'),
    () => undefined,
  );
  const webUrl = await untilAborted(Promise.race([readyUrl(web, logFolder), died]), signal);
  onReady?.('web');
  cloud.addExternalInstance(WEB_INSTANCE_NAME, { [PROJECT_TAG]: settings.PROJECT_ID });
  return {
    webUrl,
    cloudUrl: cloud.url,
    scalerUrl: `http://${LOOPBACK}:${await scalerPort}/status`,
    redis: { url: redis.url, kind: redis.kind },
    logFolder,
    died,
    stop,
  };
}

/** What is baked into the image that instances start from; all others come in their user data. */
function imageSettings({ MODEL_DIR, BACKEND, THREADS, LOG_LEVEL }: Settings) {
  return { MODEL_DIR, BACKEND, THREADS: String(THREADS), LOG_LEVEL };
}

/** Settings as the environment of another process says them. */
export function asEnvironment(settings: Settings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
}

async function provisionIn(endpoint: string, settings: Settings): Promise<void> {
  const clients = createAwsClients({ ...settings, AWS_ENDPOINT_URL: endpoint });
  try {
    await provision(clients, settings);
  } finally {
    clients.destroy();
  }
}

/** Fails early and by the setting's name, before anything is converted or started. */
async function checkPort(port: number): Promise<void> {
  const server = createServer().listen(port);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new LocalCloudError(
      `Port ${port} of the web tier cannot be used (${messageOf(cause)}). Set PORT to a free port (0 takes any).`,
      { cause },
    );
  }
  server.close();
  await once(server, 'close');
}

/** The address of the web tier once it says that it is ready. */
async function readyUrl(web: Service, logFolder: string): Promise<string> {
  const timeout = AbortSignal.timeout(READY_MS);
  try {
    const url = `http://${LOOPBACK}:${await untilAborted(web.port, timeout)}`;
    while (!(await answersOk(`${url}/readyz`, timeout))) await sleep(50);
    return url;
  } catch (cause) {
    throw new LocalCloudError(
      `The web tier was not ready after ${READY_MS / 1000} seconds: see the logs in ${logFolder}.`,
      { cause },
    );
  }
}

/** @throws the signal's reason when it is over */
async function answersOk(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await fetch(url, { signal })).ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  );
}
