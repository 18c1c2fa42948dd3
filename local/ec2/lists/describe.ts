/** An instance, and the one network that every instance is in, as EC2's answers show them. Pure. */
import { type Instance, STATE_CODES, type StateName } from '../fleet/instance.ts';
import { items, type XmlObject } from '../xml.ts';

export const VPC_ID = 'vpc-000000000000010ca';
export const GROUP_ID = 'sg-000000000000010ca';
/** Zones of every region here. */
const ZONE_LETTERS = ['a', 'b', 'c'] as const;

export function zonesOf(region: string): string[] {
  return ZONE_LETTERS.map((letter) => `${region}${letter}`);
}

/** The default subnet of a zone. */
export function subnetIdOf(zone: string): string {
  const index = Math.max(0, ZONE_LETTERS.indexOf(zone.at(-1) as 'a'));
  return `subnet-00000000000${index}010ca`;
}

/** As AWS numbers zones apart from their letters: `use1-az1` is in `us-east-1`. */
export function zoneIdOf(zone: string): string {
  const region = zone.slice(0, -1);
  const short = region
    .split('-')
    .map((part, index) => (index === 0 ? part : part.startsWith('central') ? 'c' : part.charAt(0)))
    .join('');
  return `${short}-az${zone.charCodeAt(zone.length - 1) - 96}`;
}

/** The account that every emulator uses. */
export const ACCOUNT = '000000000000';

export function stateXml(state: StateName): XmlObject {
  return { code: STATE_CODES[state], name: state };
}

export function reservationXml(instances: readonly Instance[]): XmlObject {
  return {
    reservationId: instances[0]?.reservationId,
    ownerId: ACCOUNT,
    groupSet: '',
    instancesSet: items(instances.map(instanceXml)),
  };
}

/** Instances by reservation, in their order. */
export function byReservation(instances: readonly Instance[]): Instance[][] {
  return [...Map.groupBy(instances, ({ reservationId }) => reservationId).values()];
}

export function instanceXml(instance: Instance): XmlObject {
  const gone = instance.state === 'terminated';
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: stateXml(instance.state),
    privateDnsName: gone ? '' : privateDnsName(instance),
    dnsName: '',
    reason: instance.transitionReason,
    ...(instance.keyName === undefined ? {} : { keyName: instance.keyName }),
    amiLaunchIndex: instance.launchIndex,
    productCodes: '',
    instanceType: instance.instanceType,
    launchTime: instance.launchTime.toISOString(),
    placement: {
      availabilityZone: instance.availabilityZone,
      groupName: '',
      tenancy: 'default',
    },
    monitoring: { state: 'disabled' },
    ...(gone ? {} : { subnetId: subnetOf(instance), vpcId: VPC_ID }),
    ...(gone ? {} : { privateIpAddress: instance.privateIp }),
    sourceDestCheck: true,
    groupSet: items(gone ? [] : groupsOf(instance)),
    ...(instance.stateReason === undefined ? {} : { stateReason: instance.stateReason }),
    architecture: 'x86_64',
    rootDeviceType: 'ebs',
    rootDeviceName: '/dev/xvda',
    blockDeviceMapping: '',
    virtualizationType: 'hvm',
    ...(instance.spot === undefined
      ? {}
      : { instanceLifecycle: 'spot', spotInstanceRequestId: instance.spot.requestId }),
    clientToken: instance.clientToken ?? '',
    tagSet: items([...instance.tags].map(([key, value]) => ({ key, value }))),
    hypervisor: 'xen',
    ...(instance.profileName === undefined
      ? {}
      : { iamInstanceProfile: { arn: profileArn(instance.profileName), id: 'AIPALOCAL' } }),
    ebsOptimized: false,
    enaSupport: true,
    platformDetails: 'Linux/UNIX',
    usageOperation: 'RunInstances',
    metadataOptions: {
      state: 'applied',
      httpTokens: 'required',
      httpPutResponseHopLimit: 1,
      httpEndpoint: 'enabled',
      instanceMetadataTags: instance.metadataTags ? 'enabled' : 'disabled',
    },
  };
}

export function statusXml(instance: Instance): XmlObject {
  const health =
    instance.state === 'running' ? 'ok' : instance.state === 'pending' ? 'initializing' : undefined;
  const status = {
    status: health ?? 'not-applicable',
    details:
      health === undefined
        ? ''
        : items([{ name: 'reachability', status: health === 'ok' ? 'passed' : 'initializing' }]),
  };
  return {
    instanceId: instance.id,
    availabilityZone: instance.availabilityZone,
    instanceState: stateXml(instance.state),
    systemStatus: status,
    instanceStatus: status,
  };
}

function subnetOf({ subnetId, availabilityZone }: Instance): string {
  return subnetId ?? subnetIdOf(availabilityZone);
}

function groupsOf({ securityGroupIds }: Instance): XmlObject[] {
  const ids = securityGroupIds.length === 0 ? [GROUP_ID] : securityGroupIds;
  return ids.map((groupId) =>
    groupId === GROUP_ID ? { groupId, groupName: 'default' } : { groupId },
  );
}

/** `ip-127-0-0-1.ec2.internal`, as EC2 names instances in us-east-1 and, with the region, elsewhere. */
export function privateDnsName({
  privateIp,
  availabilityZone,
}: Pick<Instance, 'privateIp' | 'availabilityZone'>): string {
  const region = availabilityZone.slice(0, -1);
  const domain = region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`;
  return `ip-${privateIp.replaceAll('.', '-')}.${domain}`;
}

export function profileArn(name: string): string {
  return name.startsWith('arn:') ? name : `arn:aws:iam::${ACCOUNT}:instance-profile/${name}`;
}
