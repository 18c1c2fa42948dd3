/** App-tier instances through the EC2 API: listing, launching, naming, stopping and terminating them. */
import {
  CreateTagsCommand,
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { instanceName, instanceNumber, numberByTags, PROJECT_TAG } from '../contract/names.ts';
import { type LaunchCall, type LaunchOptions, runInput } from './launch-input.ts';

/** EC2's limit of values in one filter. */
const MOST_VALUES = 200;

export type InstanceState =
  | 'pending'
  | 'running'
  | 'shutting-down'
  | 'terminated'
  | 'stopping'
  | 'stopped';

export interface FleetInstance {
  readonly id: string;
  /** The # of `app-tier-instance-<#>`. */
  readonly number: number;
  readonly state: InstanceState;
  /** ms since 1970; of one that was stopped, when it was started again. */
  readonly launchedAt: number;
  /** Its number is not in its Name tag yet. */
  readonly unnamed?: boolean;
  /** It cannot be stopped, and EC2 may take it back. */
  readonly spot?: boolean;
  readonly type?: string;
  /** That it was launched from. */
  readonly imageId?: string;
}

/** What EC2 says of an instance that may have ended. */
export interface Ending {
  readonly id: string;
  readonly state: InstanceState;
  /** Code of its StateReason, e.g. Client.InstanceInitiatedShutdown. */
  readonly code?: string;
  readonly message?: string;
}

export interface Fleet {
  /** Every app-tier instance of this project that is not terminated, by number. */
  list(): Promise<FleetInstance[]>;
  /**
   * One call for all of these numbers; the same token launches once, however often it is sent. One
   * alone is named at once; of several, each has its number by its tags, and its Name by `name`.
   * @returns those that EC2 gives, from the lowest number; it may give fewer than asked
   */
  launch(call: LaunchCall): Promise<FleetInstance[]>;
  /** Writes its number into its Name tag; doing it twice does no harm. */
  name(instanceId: string, number: number): Promise<void>;
  /** Those that are not stopped stay as they are. */
  start(instanceIds: readonly string[]): Promise<void>;
  stop(instanceIds: readonly string[]): Promise<void>;
  terminate(instanceIds: readonly string[]): Promise<void>;
  /** Those that EC2 still knows; it does for about an hour after the end. */
  endings(instanceIds: readonly string[]): Promise<Ending[]>;
}

export function openFleet(ec2: EC2Client, options: LaunchOptions): Fleet {
  return {
    async list() {
      const fleet: FleetInstance[] = [];
      const pages = paginateDescribeInstances(
        { client: ec2 },
        {
          Filters: [
            { Name: `tag:${PROJECT_TAG}`, Values: [options.projectId] },
            {
              Name: 'instance-state-name',
              Values: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
            },
          ],
        },
      );
      for await (const { Reservations } of pages) {
        for (const { Instances } of Reservations ?? []) {
          fleet.push(...(Instances ?? []).map(fleetInstance).filter((one) => one !== undefined));
        }
      }
      return fleet.sort((a, b) => a.number - b.number);
    },
    async launch(call) {
      const { Instances = [] } = await ec2.send(new RunInstancesCommand(runInput(call, options)));
      // The tags were asked for in this very call; an answer without them is still these instances.
      return Instances.map(
        (instance, index): FleetInstance =>
          fleetInstance(instance) ?? {
            id: instance.InstanceId ?? '',
            number: call.numbers[instance.AmiLaunchIndex ?? index]!,
            state: 'pending',
            launchedAt: Date.now(),
            unnamed: call.numbers.length > 1,
          },
      ).sort((a, b) => a.number - b.number);
    },
    async endings(instanceIds) {
      const endings: Ending[] = [];
      // A filter takes 200 values, and unlike a list of ids passes over those that EC2 does not know.
      for (let from = 0; from < instanceIds.length; from += MOST_VALUES) {
        const Values = instanceIds.slice(from, from + MOST_VALUES);
        const Filters = [{ Name: 'instance-id', Values }];
        for await (const { Reservations } of paginateDescribeInstances(
          { client: ec2 },
          { Filters },
        )) {
          for (const { Instances = [] } of Reservations ?? [])
            endings.push(...Instances.map(ending));
        }
      }
      return endings;
    },
    async name(instanceId, number) {
      const Tags = [{ Key: 'Name', Value: instanceName(number) }];
      await ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags }));
    },
    async start(instanceIds) {
      await ec2.send(new StartInstancesCommand({ InstanceIds: [...instanceIds] }));
    },
    async stop(instanceIds) {
      await ec2.send(new StopInstancesCommand({ InstanceIds: [...instanceIds] }));
    },
    async terminate(instanceIds) {
      if (instanceIds.length === 0) return;
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] }));
    },
  };
}

function ending({ InstanceId = '', State, StateReason }: Instance): Ending {
  return {
    id: InstanceId,
    state: (State?.Name ?? 'terminated') as InstanceState,
    ...(StateReason?.Code === undefined ? {} : { code: StateReason.Code }),
    ...(StateReason?.Message === undefined ? {} : { message: StateReason.Message }),
  };
}

function fleetInstance(instance: Instance): FleetInstance | undefined {
  const tag = (key: string) => instance.Tags?.find(({ Key }) => Key === key)?.Value;
  const number = numberByTags(tag, instance.AmiLaunchIndex ?? 0);
  if (instance.InstanceId === undefined || number === undefined) return undefined;
  return {
    id: instance.InstanceId,
    number,
    state: (instance.State?.Name ?? 'pending') as InstanceState,
    launchedAt: instance.LaunchTime?.getTime() ?? 0,
    unnamed: instanceNumber(tag('Name')) === undefined,
    spot: instance.InstanceLifecycle === 'spot',
    ...(instance.InstanceType === undefined ? {} : { type: instance.InstanceType }),
    ...(instance.ImageId === undefined ? {} : { imageId: instance.ImageId }),
  };
}
