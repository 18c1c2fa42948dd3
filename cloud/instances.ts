/** App-tier instances through the EC2 API: which there are, launching one under its number, terminating. */
import {
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { instanceName, instanceNumber, PROJECT_TAG } from './names.ts';

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
  /** ms since 1970. */
  readonly launchedAt: number;
}

export interface LaunchOptions {
  readonly projectId: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly instanceProfile?: string;
  readonly securityGroupId?: string;
  readonly subnetId?: string;
  /** Settings the instance starts with. No secrets: anyone on the instance may read them. */
  readonly userData: Readonly<Record<string, string>>;
}

export interface Fleet {
  /** Every app-tier instance of this project that is not terminated, by number. */
  list(): Promise<FleetInstance[]>;
  /** @param token the same token launches once, however often it is sent */
  launch(number: number, token: string): Promise<FleetInstance>;
  terminate(instanceIds: readonly string[]): Promise<void>;
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
    async launch(number, token) {
      const { Instances } = await ec2.send(
        new RunInstancesCommand(runInput(number, token, options)),
      );
      const instance = Instances?.[0];
      const launched = instance && fleetInstance(instance);
      // The tag was asked for in this very call; an answer without tags is still that instance.
      return (
        launched ?? {
          id: instance?.InstanceId ?? '',
          number,
          state: 'pending',
          launchedAt: Date.now(),
        }
      );
    },
    async terminate(instanceIds) {
      if (instanceIds.length === 0) return;
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] }));
    },
  };
}

function runInput(number: number, token: string, options: LaunchOptions) {
  const userData = Object.entries(options.userData)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
  const tags = [
    { Key: 'Name', Value: instanceName(number) },
    { Key: PROJECT_TAG, Value: options.projectId },
  ];
  return {
    ImageId: options.imageId,
    InstanceType: options.instanceType as never,
    MinCount: 1,
    MaxCount: 1,
    ClientToken: token,
    UserData: Buffer.from(userData).toString('base64'),
    InstanceInitiatedShutdownBehavior: 'terminate' as const,
    MetadataOptions: {
      HttpTokens: 'required' as const,
      HttpPutResponseHopLimit: 1,
      InstanceMetadataTags: 'enabled' as const,
    },
    TagSpecifications: [
      { ResourceType: 'instance' as const, Tags: tags },
      { ResourceType: 'volume' as const, Tags: tags },
    ],
    ...(options.instanceProfile === undefined
      ? {}
      : { IamInstanceProfile: { Name: options.instanceProfile } }),
    ...(options.securityGroupId === undefined
      ? {}
      : { SecurityGroupIds: [options.securityGroupId] }),
    ...(options.subnetId === undefined ? {} : { SubnetId: options.subnetId }),
  };
}

function fleetInstance(instance: Instance): FleetInstance | undefined {
  const number = instanceNumber(instance.Tags?.find(({ Key }) => Key === 'Name')?.Value);
  if (instance.InstanceId === undefined || number === undefined) return undefined;
  return {
    id: instance.InstanceId,
    number,
    state: (instance.State?.Name ?? 'pending') as InstanceState,
    launchedAt: instance.LaunchTime?.getTime() ?? 0,
  };
}
