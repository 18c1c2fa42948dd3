/**
 * The whole system for a chaos run: two Redis servers, the cloud behind its fault proxy, the scaler and
 * the web nodes, each a process that is started again when it ends, each behind TCP proxies of its own.
 * Its own ports, its own data folder.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { provision } from '../../../cloud/aws/provision.ts';
import { createEc2Clients, type Ec2Clients } from '../../../cloud/ec2/client.ts';
import { LOCAL_IMAGE_ID } from '../../../local/ec2/lists/offers.ts';
import { type ChildOptions, startChild } from '../../../local/processes/child.ts';
import { cloudEnvironment, machineEnvironment } from '../../../local/processes/instances.ts';
import { COMMAND_LINE } from '../../../local/processes/service.ts';
import { freePort } from '../../../local/redis.ts';
import { asEnvironment } from '../../../local/stack.ts';
import { readSettings, type Settings } from '../../../runtime/settings.ts';
import { ChaosError } from '../errors.ts';
import { type CloudPlan, PLAN_VARIABLE } from './cloud-process.ts';
import { type Links, openLinks } from './links.ts';
import { type Supervised, supervise } from './processes.ts';
import { openRedis, type RedisPair } from './redis-pair.ts';
import { CLOCK_VARIABLE } from './shifted-clock.ts';
import type { SmallDisk } from './small-disk.ts';
import { STILLBIRTH_VARIABLE } from './stillbirth.ts';

const CLOUD_PROGRAM = fileURLToPath(new URL('./cloud-process.ts', import.meta.url));
const CLOCK = preload('./shifted-clock.ts');
const STILLBIRTH = preload('./stillbirth.ts');
const READY_MS = 60_000;
const GRACE_MS = 15_000;

export interface SystemOptions {
  readonly folder: string;
  readonly settings: Record<string, unknown>;
  readonly cloudPort: number;
  readonly proxyUrl: string;
  readonly webNodes: number;
  /** Whose folder is the workers' temp folder. */
  readonly disk: Pick<SmallDisk, 'folder'>;
  /** Script and arguments that instances run; the worker when unset. */
  readonly program?: readonly string[] | undefined;
}

export interface System {
  readonly settings: Settings;
  readonly webUrls: readonly string[];
  /** Past the proxies. */
  readonly clients: Ec2Clients;
  readonly webs: readonly Supervised[];
  readonly scaler: Supervised;
  readonly cloud: Supervised;
  /** Undefined where there is no redis-server: the one in this process has neither pid nor replica. */
  readonly redis: RedisPair | undefined;
  /** The run's own way to Redis. */
  readonly redisUrl: string;
  readonly links: Links;
  /** What may stand in no log. */
  readonly secrets: readonly string[];
  /** Instances that start while it is there end at once. */
  readonly stillbirthFile: string;
  /** Holds by how many ms the service's clock is ahead; a web node's by its index. */
  clockFile(what: 'web' | 'scaler', node?: number): string;
  /** Another scaler of the project, with another Redis. */
  startSecondScaler(redisUrl: string): Promise<Supervised>;
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
  const { folder, cloudPort, proxyUrl, webNodes } = options;
  const logFolder = join(folder, 'logs');
  mkdirSync(logFolder, { recursive: true });
  const { port: redisPort, pair: redis, password, stop: stopRedis } = await openRedis(folder);
  stops.push(stopRedis);
  const links = await openLinks({ redisPort, awsPort: Number(new URL(proxyUrl).port), webNodes });
  stops.push(() => links.close());
  const { by } = links;
  const redisUrl = ({ port }: { port: number }): string =>
    `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`;
  const awsUrl = ({ port }: { port: number }): string => `http://127.0.0.1:${port}`;
  const settings = readSettings(
    {
      ...options.settings,
      HOST: '127.0.0.1',
      REDIS_URL: redisUrl(by['redis app'][0]!),
      AWS_ENDPOINT_URL: awsUrl(by['aws scaler'][0]!),
      LOCAL_DATA_DIR: folder,
      AMI_ID: LOCAL_IMAGE_ID,
    },
    {},
  );
  const stillbirthFile = join(folder, 'stillbirth');
  const plan = cloudPlan(options, settings, awsUrl(by['aws worker'][0]!), stillbirthFile);
  const cloud = await supervise(() =>
    startChild({
      args: [CLOUD_PROGRAM],
      environment: { ...machineEnvironment(process.env), [PLAN_VARIABLE]: JSON.stringify(plan) },
      logFile: join(logFolder, 'cloud.log'),
      graceMs: GRACE_MS,
    }),
  );
  stops.push(() => cloud.stop());
  const direct = { AWS_REGION: settings.AWS_REGION, AWS_ENDPOINT_URL: awsUrl({ port: cloudPort }) };
  const clients = createEc2Clients(direct);
  stops.push(async () => clients.destroy());
  await untilIt('the local cloud', () => provision(clients, settings));

  const clockFile = (what: string, node = 0): string => join(folder, `clock-${what}-${node}`);
  const service = (
    name: 'web' | 'scaler',
    label: string,
    own: { redisUrl: string; awsUrl: string; clock?: string; settings?: Record<string, string> },
  ): Promise<Supervised> => {
    const child: ChildOptions = {
      args: [COMMAND_LINE, name],
      environment: {
        ...machineEnvironment(process.env),
        ...asEnvironment(settings),
        ...cloudEnvironment({ endpointUrl: own.awsUrl, region: settings.AWS_REGION }),
        REDIS_URL: own.redisUrl,
        ...(own.clock === undefined ? {} : { NODE_OPTIONS: CLOCK, [CLOCK_VARIABLE]: own.clock }),
        ...own.settings,
      },
      logFile: join(logFolder, `${label}.log`),
      graceMs: GRACE_MS,
    };
    return supervise(() => startChild(child));
  };
  const scaler = await service('scaler', 'scaler', {
    redisUrl: settings.REDIS_URL!,
    awsUrl: settings.AWS_ENDPOINT_URL!,
    clock: clockFile('scaler'),
  });
  stops.push(() => scaler.stop());
  const webs: Supervised[] = [];
  const webUrls: string[] = [];
  for (let node = 0; node < webNodes; node++) {
    const port = await freePort();
    const web = await service('web', `web-${node}`, {
      redisUrl: redisUrl(by['redis web'][node]!),
      awsUrl: awsUrl(by['aws web'][node]!),
      clock: clockFile('web', node),
      settings: { PORT: String(port) },
    });
    stops.push(() => web.stop());
    webs.push(web);
    webUrls.push(`http://127.0.0.1:${port}/`);
  }
  for (const url of webUrls) {
    await untilIt('the web tier', async () => {
      const { ok } = await fetch(`${url}readyz`, { signal: AbortSignal.timeout(2000) });
      if (!ok) throw new Error('not ready');
    });
  }
  return {
    settings,
    webUrls,
    clients,
    webs,
    scaler,
    cloud,
    redis,
    redisUrl: redisUrl(links.own),
    links,
    secrets: password === undefined ? [] : [password],
    stillbirthFile,
    clockFile,
    startSecondScaler: (url) =>
      service('scaler', 'second-scaler', { redisUrl: url, awsUrl: settings.AWS_ENDPOINT_URL! }),
    stop,
  };
}

function cloudPlan(
  { folder, cloudPort, disk, program }: SystemOptions,
  settings: Settings,
  endpointUrl: string,
  stillbirthFile: string,
): CloudPlan {
  const { MODEL_DIR, BACKEND, THREADS, LOG_LEVEL } = settings;
  return {
    port: cloudPort,
    dataDir: folder,
    region: settings.AWS_REGION,
    proxyUrl: endpointUrl,
    // Twice what is allowed, so that EC2 itself does not hide a fleet that is too large.
    instanceLimit: 2 * settings.MAX_INSTANCES,
    program: [...(program ?? [COMMAND_LINE, 'worker'])],
    image: {
      MODEL_DIR,
      BACKEND,
      THREADS: String(THREADS),
      LOG_LEVEL,
      NODE_OPTIONS: STILLBIRTH,
      [STILLBIRTH_VARIABLE]: stillbirthFile,
    },
    temporaryFolder: disk.folder,
    logLevel: LOG_LEVEL,
  };
}

function preload(module: string): string {
  return `--import ${new URL(module, import.meta.url).href}`;
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
