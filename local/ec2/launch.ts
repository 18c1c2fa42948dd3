/** A launch request as the instances it asks for. Pure. */
import { Ec2Error, invalidValue } from './errors.ts';
import type { Instance } from './instance.ts';
import type { RunInstancesRequest } from './requests.ts';

/** What is known of an instance before it has an id and a time. */
export type InstancePlan = Omit<
  Instance,
  'id' | 'sequence' | 'privateIp' | 'launchTime' | 'stateReason' | 'transitionReason' | 'endedAt'
>;

/**
 * How many instances a request gets, with room for so many more.
 * @throws {Ec2Error} InvalidAMIID.Malformed, InvalidParameterValue or InstanceLimitExceeded.
 */
export function launchCount(request: RunInstancesRequest, room: number, limit: number): number {
  if (!/^ami-[0-9a-f]{8,17}$/.test(request.ImageId)) {
    throw new Ec2Error('InvalidAMIID.Malformed', `Invalid id: "${request.ImageId.slice(0, 100)}"`);
  }
  if (request.MinCount > request.MaxCount) {
    throw invalidValue('The minimum count may not be over the maximum count');
  }
  if (request.MinCount > room) {
    throw new Ec2Error(
      'InstanceLimitExceeded',
      `You have requested more instances (${request.MinCount}) than your current instance limit of ${limit} allows for the specified instance type.`,
    );
  }
  return Math.min(request.MaxCount, room);
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
    availabilityZone: request.Placement?.AvailabilityZone ?? `${where.region}a`,
    keyName: request.KeyName,
    subnetId: request.SubnetId,
    securityGroupIds: request.SecurityGroupId,
    profileName: request.IamInstanceProfile?.Name ?? request.IamInstanceProfile?.Arn,
    clientToken: request.ClientToken,
    userData: request.UserData,
    metadataTags: request.MetadataOptions?.InstanceMetadataTags === 'enabled',
    external: false,
    tags: new Map(tags),
    state: 'pending',
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
    external: true,
    state: 'running',
  };
}
