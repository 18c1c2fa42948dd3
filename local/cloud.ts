/**
 * A whole cloud on one machine behind one address: SQS, S3 and EC2 for any unmodified AWS client,
 * metadata for each instance, all kept in one folder. Knows nothing about the services that use it.
 */
import { join } from 'node:path';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { type DataFolder, takeDataFolder } from './data-folder.ts';
import { answerEc2 } from './ec2/answer.ts';
import { InstanceFleet } from './ec2/fleet/fleet.ts';
import { Imitation, type ImitationSettings } from './ec2/fleet/imitation.ts';
import { displayName, type Instance, type StateName } from './ec2/fleet/instance.ts';
import type { LaunchMachine } from './ec2/fleet/machines.ts';
import { LOCAL_IMAGE_ID } from './ec2/lists/offers.ts';
import { type Endpoint, LocalCloudError, openEndpoint } from './endpoint.ts';
import { openQueuesAndObjects, type QueuesAndObjects } from './queues-and-objects.ts';
import { ParameterStore } from './ssm.ts';

/** Type of what runs beside the fleet, e.g. the web tier. */
const LOCAL_INSTANCE_TYPE = 'local.process';
const DEFAULT_INSTANCE_LIMIT = 64;
/** EC2 lists a terminated instance for about an hour; scripts look back a few minutes. */
const KEEP_TERMINATED_MS = 10 * 60 * 1000;

/** Buckets let objects expire at midnight: a minute more does not matter. */
const SWEEP_MS = 60_000;

export interface LocalCloudOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly dataDir: string;
  readonly region: string;
  /** ALLOWED_HOSTS: names, besides this machine's own, that requests may be sent to. */
  readonly allowedHosts?: string | undefined;
  readonly log: Logger;
  /** Gives what an instance runs on, for the address the cloud has got. */
  readonly launcher: (endpointUrl: string) => LaunchMachine;
  /** Instances that may exist at once. */
  readonly instanceLimit?: number;
  /** How far EC2 is to be like the real one; without it, it is fast and never fails. */
  readonly imitation?: ImitationSettings;
  /** In ms since 1970, for the age of objects; how often they are looked at. */
  readonly now?: () => number;
  readonly sweepMs?: number;
  /** Called after each change of an instance's state; `before` is undefined for a new one. */
  readonly onInstanceChange?: (instance: Instance, before: StateName | undefined) => void;
}

export interface LocalCloud {
  /** The address for every AWS client, e.g. `http://127.0.0.1:4566`. */
  readonly url: string;
  /** Lists something that already runs on this machine as a running instance; gives its id. */
  addExternalInstance(name: string, tags?: Readonly<Record<string, string>>): string;
  /** Ends every instance, waiting for its process to be gone. None can be launched after. */
  stopInstances(): Promise<void>;
  /** Ends the instances, answers what is open, writes everything and lets the folder go. */
  stop(): Promise<void>;
}

/**
 * @throws {LocalCloudError} when the port or the data folder is in use, or the folder cannot be read
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { log } = options;
  const folder = takeDataFolder(options.dataDir);
  let endpoint: Endpoint | undefined;
  try {
    endpoint = await openEndpoint(options.port, log, options.allowedHosts);
    const queuesAndObjects = await openKept(folder, endpoint.url, options);
    return assemble(options, folder, endpoint, queuesAndObjects);
  } catch (error) {
    await endpoint?.close();
    folder.release();
    throw error;
  }
}

function assemble(
  options: LocalCloudOptions,
  folder: DataFolder,
  endpoint: Endpoint,
  queuesAndObjects: QueuesAndObjects,
): LocalCloud {
  const { log } = options;
  const imitation = new Imitation(options.imitation);
  const fleet = new InstanceFleet({
    launch: options.launcher(endpoint.url),
    region: options.region,
    limit: options.instanceLimit ?? DEFAULT_INSTANCE_LIMIT,
    imitation,
    keepTerminatedMs: KEEP_TERMINATED_MS,
    now: () => new Date(),
    onChange(instance, before) {
      const { id, state, stateReason } = instance;
      log.info(
        { instance: id, name: displayName(instance), before, state, reason: stateReason?.message },
        'Instance',
      );
      options.onInstanceChange?.(instance, before);
    },
    onSpotNotice(instance) {
      const { id, interruptionAt } = instance;
      log.info({ instance: id, name: displayName(instance), interruptionAt }, 'Spot notice');
    },
  });
  endpoint.serve({
    queuesAndObjects,
    ec2: (form) => answerEc2(fleet, form, log, imitation),
    parameters: new ParameterStore(),
  });
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await fleet.close();
    await endpoint.close();
    await queuesAndObjects.close();
    folder.release();
  };
  return {
    url: endpoint.url,
    addExternalInstance: (name, tags = {}) =>
      fleet.addExternal({
        imageId: LOCAL_IMAGE_ID,
        instanceType: LOCAL_INSTANCE_TYPE,
        tags: new Map([['Name', name], ...Object.entries(tags)]),
      }).id,
    stopInstances: () => fleet.close(),
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

async function openKept(
  { path }: DataFolder,
  origin: string,
  { region, log, now = Date.now, sweepMs = SWEEP_MS }: LocalCloudOptions,
): Promise<QueuesAndObjects> {
  const folder = join(path, 'queues-and-objects');
  try {
    return await openQueuesAndObjects({ folder, origin, region, now, sweepMs, log });
  } catch (cause) {
    throw new LocalCloudError(
      `The local cloud's data in ${path} cannot be read (${messageOf(cause)}). Move the folder away to start empty, or set LOCAL_DATA_DIR to another one.`,
      { cause },
    );
  }
}
