/**
 * A launch request as the instances it asks for, as far as hardware, addresses and the account's limit allow.
 * Pure, but for the ids of spot requests.
 */
import { randomBytes } from 'node:crypto';
import { Ec2Error, invalidValue } from '../errors.ts';
import type { RunInstancesRequest } from '../requests.ts';
import { type Capacity, type Imitation, type Kind, noAddresses, noHardware } from './imitation.ts';
import type { Instance } from './instance.ts';

/** What is known of an instance before it has an id and a time. */
export type InstancePlan = Omit<
  Instance,
  | 'id'
  | 'sequence'
  | 'privateIp'
  | 'launchTime'
  | 'stateReason'
  | 'transitionReason'
  | 'endedAt'
  | 'rebalanceAt'
  | 'interruptionAt'
>;

export interface LaunchLimits {
  /** How many more the account's limit allows. */
  readonly account: number;
  readonly limit: number;
  /** How many more of this type there is hardware for. */
  readonly hardware: number;
  /** How many more its subnet has addresses for. */
  readonly addresses: number;
  readonly region: string;
}

/**
 * How many instances a request gets: as many as the limits allow, unless that is less than MinCount.
 * @throws {Ec2Error} InvalidAMIID.Malformed, InvalidParameterValue, InstanceLimitExceeded,
 * InsufficientInstanceCapacity or InsufficientFreeAddressesInSubnet.
 */
export function launchCount(request: RunInstancesRequest, limits: LaunchLimits): number {
  if (!/^ami-[0-9a-f]{8,17}$/.test(request.ImageId)) {
    throw new Ec2Error('InvalidAMIID.Malformed', `Invalid id: "${request.ImageId.slice(0, 100)}"`);
  }
  if (request.MinCount > request.MaxCount) {
    throw invalidValue('The minimum count may not be over the maximum count');
  }
  if (request.MinCount > limits.account) {
    throw new Ec2Error(
      'InstanceLimitExceeded',
      `You have requested more instances (${request.MinCount}) than your current instance limit of ${limits.limit} allows for the specified instance type.`,
    );
  }
  if (request.MinCount > limits.hardware) {
    throw noHardware(request.InstanceType, zoneOf(request, limits.region));
  }
  if (request.MinCount > limits.addresses) throw noAddresses(request.SubnetId ?? 'default');
  return Math.min(request.MaxCount, limits.account, limits.hardware, limits.addresses);
}

export function launchPlan(
  request: RunInstancesRequest,
  where: { region: string; reservationId: string; launchIndex: number },
): InstancePlan {
  const tags = request.TagSpecification.filter(
    ({ ResourceType }) => ResourceType === 'instance',
  ).flatMap(({ Tag }) => Tag.map(({ Key, Value }): [string, string] => [Key, Value]));
  return {
    reservationId: where.reservationId,
    launchIndex: where.launchIndex,
    imageId: request.ImageId,
    instanceType: request.InstanceType,
    availabilityZone: zoneOf(request, where.region),
    keyName: request.KeyName,
    subnetId: request.SubnetId,
    securityGroupIds: request.SecurityGroupId,
    profileName: request.IamInstanceProfile?.Name ?? request.IamInstanceProfile?.Arn,
    clientToken: request.ClientToken,
    userData: request.UserData,
    metadataTags: request.MetadataOptions?.InstanceMetadataTags === 'enabled',
    spot: spotOf(request),
    external: false,
    tags: new Map(tags),
    state: 'pending',
  };
}

function zoneOf({ Placement }: RunInstancesRequest, region: string): string {
  return Placement?.AvailabilityZone ?? `${region}a`;
}

function spotOf({ InstanceMarketOptions: market }: RunInstancesRequest): Instance['spot'] {
  if (market?.MarketType !== 'spot') return undefined;
  return {
    requestId: `sir-${randomBytes(4).toString('hex')}`,
    persistent: market.SpotOptions?.SpotInstanceType === 'persistent',
  };
}

/** What EC2 lists for something that already runs by other hands. */
export function externalPlan(
  what: Pick<Instance, 'imageId' | 'instanceType' | 'tags' | 'reservationId'>,
  region: string,
): InstancePlan {
  return {
    ...what,
    launchIndex: 0,
    availabilityZone: `${region}a`,
    keyName: undefined,
    subnetId: undefined,
    securityGroupIds: [],
    profileName: undefined,
    clientToken: undefined,
    userData: undefined,
    metadataTags: false,
    spot: undefined,
    external: true,
    state: 'running',
  };
}

export function capacityFor(
  request: RunInstancesRequest,
  imitation: Imitation,
  instances: readonly Instance[],
): Capacity {
  const { InstanceType: instanceType, SubnetId: subnetId, InstanceMarketOptions } = request;
  const spot = InstanceMarketOptions?.MarketType === 'spot';
  return imitation.capacityFor({ instanceType, subnetId, spot }, inUse(instances));
}

/**
 * @param starting those that are not stopped need nothing; a stopped one has kept its address
 * @throws {Ec2Error} InsufficientInstanceCapacity
 */
export function checkHardware(
  starting: readonly Instance[],
  imitation: Imitation,
  instances: readonly Instance[],
): void {
  const used = inUse(instances);
  for (const instance of starting) {
    if (instance.state !== 'stopped') continue;
    const kind = kindOf(instance);
    if (imitation.capacityFor(kind, used).hardware < 1) {
      throw noHardware(instance.instanceType, instance.availabilityZone);
    }
    used.push(kind);
  }
}

/** A stopped instance gives its hardware back. */
function inUse(instances: readonly Instance[]): Kind[] {
  return instances
    .filter(({ external, state }) => !external && state !== 'terminated' && state !== 'stopped')
    .map(kindOf);
}

function kindOf({ instanceType, subnetId, spot }: Instance): Kind {
  return { instanceType, subnetId, spot: spot !== undefined };
}
