/**
 * The whole system for a chaos run: Redis, the cloud behind its fault proxy, the scaler and the web tier,
 * each a process that is started again when it ends. Its own ports, its own data folder.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2-client.ts';
import { provision } from '../cloud/provision.ts';
import { type ChildOptions, startChild } from '../local/child.ts';
import { LOCAL_IMAGE_ID } from '../local/ec2/offers.ts';
import { cloudEnvironment, machineEnvironment } from '../local/instances.ts';
import { freePort, startRedis } from '../local/redis.ts';
import { COMMAND_LINE } from '../local/service.ts';
import { asEnvironment } from '../local/stack.ts';
import { readSettings, type Settings } from '../runtime/settings.ts';
import { type CloudPlan, PLAN_VARIABLE } from './cloud-process.ts';
import { ChaosError } from './errors.ts';
import type { SmallDisk } from './small-disk.ts';
import { type Running, type Supervised, supervise } from './supervisor.ts';

const CLOUD_PROGRAM = fileURLToPath(new URL('./cloud-process.ts', import.meta.url));
const READY_MS = 60_000;
const GRACE_MS = 15_000;

export interface SystemOptions {
  readonly folder: string;
  readonly settings: Record<string, unknown>;
  readonly cloudPort: number;
  readonly proxyUrl: string;
  /** Whose folder is the workers' temp folder. */
  readonly disk: Pick<SmallDisk, 'folder'>;
  /** Script and arguments that instances run; the worker when unset. */
  readonly program?: readonly string[] | undefined;
}

export interface System {
  readonly settings: Settings;
  readonly webUrl: string;
  /** Past the proxy. */
  readonly clients: Ec2Clients;
  readonly web: Supervised;
  readonly scaler: Supervised;
  readonly cloud: Supervised;
  /** Undefined where there is no redis-server: the one in this process cannot be killed. */
  readonly redis: Supervised | undefined;
  stop(): Promise<void>;
}

/** @throws {ChaosError} when it is not ready in time; nothing is left running then */
export async function startSystem(options: SystemOptions): Promise<System> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let one = stops.pop(); one; one = stops.pop()) await one();
  };
  try {
    return await startParts(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: SystemOptions,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<System> {
  const { folder, cloudPort, proxyUrl } = options;
  const logFolder = join(folder, 'logs');
  mkdirSync(logFolder, { recursive: true });
  const { url, redis } = await openRedis(folder, stops);
  const webPort = await freePort();
  const direct = `http://127.0.0.1:${cloudPort}`;
  const settings = readSettings(
    {
      ...options.settings,
      PORT: webPort,
      HOST: '127.0.0.1',
      REDIS_URL: url,
      AWS_ENDPOINT_URL: proxyUrl,
      LOCAL_DATA_DIR: folder,
      AMI_ID: LOCAL_IMAGE_ID,
    },
    {},
  );
  const plan = cloudPlan(options, settings);
  const cloud = await supervise(() =>
    startChild({
      args: [CLOUD_PROGRAM],
      environment: { ...machineEnvironment(process.env), [PLAN_VARIABLE]: JSON.stringify(plan) },
      logFile: join(logFolder, 'cloud.log'),
      graceMs: GRACE_MS,
    }),
  );
  stops.push(() => cloud.stop());
  const clients = createEc2Clients({ AWS_REGION: settings.AWS_REGION, AWS_ENDPOINT_URL: direct });
  stops.push(async () => clients.destroy());
  await untilIt('the local cloud', () => provision(clients, settings));

  const environment = {
    ...machineEnvironment(process.env),
    ...asEnvironment(settings),
    ...cloudEnvironment({ endpointUrl: proxyUrl, region: settings.AWS_REGION }),
  };
  const service = (name: string): Promise<Supervised> => {
    const child: ChildOptions = {
      args: [COMMAND_LINE, name],
      environment,
      logFile: join(logFolder, `${name}.log`),
      graceMs: GRACE_MS,
    };
    return supervise(() => startChild(child));
  };
  const scaler = await service('scaler');
  stops.push(() => scaler.stop());
  const web = await service('web');
  stops.push(() => web.stop());
  const webUrl = `http://127.0.0.1:${webPort}/`;
  await untilIt('the web tier', async () => {
    const { ok } = await fetch(`${webUrl}readyz`, { signal: AbortSignal.timeout(2000) });
    if (!ok) throw new Error('not ready');
  });
  return { settings, webUrl, clients, web, scaler, cloud, redis, stop };
}

function cloudPlan(
  { folder, cloudPort, proxyUrl, disk, program }: SystemOptions,
  settings: Settings,
): CloudPlan {
  const { MODEL_DIR, BACKEND, THREADS, LOG_LEVEL } = settings;
  return {
    port: cloudPort,
    dataDir: folder,
    region: settings.AWS_REGION,
    proxyUrl,
    instanceLimit: settings.MAX_INSTANCES,
    program: [...(program ?? [COMMAND_LINE, 'worker'])],
    image: { MODEL_DIR, BACKEND, THREADS: String(THREADS), LOG_LEVEL },
    temporaryFolder: disk.folder,
    logLevel: LOG_LEVEL,
  };
}

async function openRedis(
  folder: string,
  stops: (() => Promise<void>)[],
): Promise<{ url: string; redis: Supervised | undefined }> {
  const redisFolder = join(folder, 'redis');
  mkdirSync(redisFolder, { recursive: true });
  const port = await freePort();
  const redis = await supervise(() => startRedisServer(redisFolder, port)).catch(() => undefined);
  if (redis) {
    stops.push(() => redis.stop());
    return { url: `redis://127.0.0.1:${port}`, redis };
  }
  const logFile = join(folder, 'logs', 'redis.log');
  const inMemory = await startRedis({ folder: redisFolder, logFile, searchPath: '' });
  stops.push(() => inMemory.stop());
  return { url: inMemory.url, redis: undefined };
}

/** Appends every write, as a Redis does that should keep its data over a crash. */
async function startRedisServer(folder: string, port: number): Promise<Running> {
  const flags = { bind: '127.0.0.1', port, dir: folder, appendonly: 'yes', save: '' };
  const child = spawn(
    'redis-server',
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: 'ignore', detached: true },
  );
  await once(child, 'spawn');
  return {
    pid: child.pid!,
    gone: once(child, 'exit').then(([code, signal]) => String(signal ?? code)),
    stop: () => void child.kill('SIGTERM'),
  };
}

async function untilIt(what: string, works: () => Promise<void>): Promise<void> {
  const end = performance.now() + READY_MS;
  for (;;) {
    try {
      return await works();
    } catch (cause) {
      if (performance.now() > end) {
        throw new ChaosError(`${what} was not ready after ${READY_MS / 1000} s.`, { cause });
      }
      await delay(100);
    }
  }
}
