/** Regions, zones and the network around the instances, as EC2 describes them. */

import { type Ec2Error, invalidValue, notFound } from '../errors.ts';
import type { InstanceFleet } from '../fleet/fleet.ts';
import type { Ec2Request } from '../requests.ts';
import { items, type XmlObject } from '../xml.ts';
import { ACCOUNT, GROUP_ID, subnetIdOf, VPC_ID, zoneIdOf, zonesOf } from './describe.ts';
import { FILTER_NAMES } from './filter-names.ts';
import { type Filterable, select } from './filters.ts';

/** Those that every account of AWS has from the start. */
const REGIONS =
  'ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2'.split(
    ' ',
  );

export function regionsOf(
  { region }: InstanceFleet,
  { RegionName, Filter }: Ec2Request<'DescribeRegions'>,
): XmlObject {
  const all = [...new Set([...REGIONS, region])].map((regionName) => ({
    regionName,
    regionEndpoint: `ec2.${regionName}.amazonaws.com`,
    optInStatus: 'opt-in-not-required',
  }));
  const named = among(
    all,
    RegionName,
    ({ regionName }) => regionName,
    (name) => invalidValue(`Invalid region provided: ${name}`),
  );
  const kind = { names: FILTER_NAMES.Regions, renamed: { endpoint: 'regionEndpoint' } };
  return { regionInfo: items(select(named, Filter, kind, (one) => one)) };
}

export function availabilityZonesOf(
  { region }: InstanceFleet,
  { ZoneName, ZoneId, Filter }: Ec2Request<'DescribeAvailabilityZones'>,
): XmlObject {
  const all = zonesOf(region).map((zoneName) => ({
    zoneName,
    zoneState: 'available',
    regionName: region,
    zoneId: zoneIdOf(zoneName),
    zoneType: 'availability-zone',
    groupName: region,
    networkBorderGroup: region,
    optInStatus: 'opt-in-not-required',
    messageSet: '',
  }));
  const refuse = (name: string) => invalidValue(`Invalid availability zone: [${name}]`);
  const byName = among(all, ZoneName, ({ zoneName }) => zoneName, refuse);
  const named = among(byName, ZoneId, ({ zoneId }) => zoneId, refuse);
  const kind: Filterable = {
    names: FILTER_NAMES.AvailabilityZones,
    renamed: { state: 'zoneState' },
  };
  return { availabilityZoneInfo: items(select(named, Filter, kind, (one) => one)) };
}

export function vpcsOf({ VpcId, Filter }: Ec2Request<'DescribeVpcs'>): XmlObject {
  const cidrBlock = '172.31.0.0/16';
  const all = [
    {
      vpcId: VPC_ID,
      ownerId: ACCOUNT,
      state: 'available',
      cidrBlock,
      dhcpOptionsId: 'dopt-000000000000010ca',
      instanceTenancy: 'default',
      isDefault: true,
      cidrBlockAssociationSet: items([
        {
          associationId: 'vpc-cidr-assoc-000000000000010ca',
          cidrBlock,
          cidrBlockState: { state: 'associated' },
        },
      ]),
      tagSet: '',
    },
  ];
  const named = among(
    all,
    VpcId,
    ({ vpcId }) => vpcId,
    notFound('InvalidVpcID.NotFound', 'vpc ID'),
  );
  const kind: Filterable = {
    names: FILTER_NAMES.Vpcs,
    renamed: {
      cidr: 'cidrBlock',
      'cidr-block-association.association-id': 'cidrBlockAssociationSet.associationId',
      'cidr-block-association.cidr-block': 'cidrBlockAssociationSet.cidrBlock',
      'cidr-block-association.state': 'cidrBlockAssociationSet.cidrBlockState.state',
    },
  };
  return { vpcSet: items(select(named, Filter, kind, (one) => one)) };
}

/** The default subnets, and those that instances were launched into. */
export function subnetsOf(
  fleet: InstanceFleet,
  { SubnetId, Filter }: Ec2Request<'DescribeSubnets'>,
): XmlObject {
  const zones = new Map(zonesOf(fleet.region).map((zone) => [subnetIdOf(zone), zone]));
  for (const { subnetId, availabilityZone } of fleet.list()) {
    if (subnetId !== undefined && !zones.has(subnetId)) zones.set(subnetId, availabilityZone);
  }
  const all = [...zones].map(([subnetId, availabilityZone], index) => ({
    subnetId,
    subnetArn: `arn:aws:ec2:${fleet.region}:${ACCOUNT}:subnet/${subnetId}`,
    state: 'available',
    ownerId: ACCOUNT,
    vpcId: VPC_ID,
    cidrBlock: `172.31.${(index * 16) % 256}.0/20`,
    availableIpAddressCount: 4091,
    availabilityZone,
    availabilityZoneId: zoneIdOf(availabilityZone),
    defaultForAz: subnetId === subnetIdOf(availabilityZone),
    mapPublicIpOnLaunch: true,
    mapCustomerOwnedIpOnLaunch: false,
    assignIpv6AddressOnCreation: false,
    enableDns64: false,
    ipv6Native: false,
    ipv6CidrBlockAssociationSet: '',
    privateDnsNameOptionsOnLaunch: { hostnameType: 'ip-name' },
    tagSet: '',
  }));
  const missing = notFound('InvalidSubnetID.NotFound', 'subnet ID');
  const named = among(all, SubnetId, ({ subnetId }) => subnetId, missing);
  const kind: Filterable = { names: FILTER_NAMES.Subnets };
  return { subnetSet: items(select(named, Filter, kind, (one) => one)) };
}

export function securityGroupsOf({
  GroupId,
  GroupName,
  Filter,
}: Ec2Request<'DescribeSecurityGroups'>): XmlObject {
  const anywhere = items([{ cidrIp: '0.0.0.0/0' }]);
  const own = items([{ userId: ACCOUNT, groupId: GROUP_ID }]);
  const all = [
    {
      ownerId: ACCOUNT,
      groupId: GROUP_ID,
      groupName: 'default',
      groupDescription: 'default VPC security group',
      vpcId: VPC_ID,
      ipPermissions: items([{ ipProtocol: '-1', groups: own }]),
      ipPermissionsEgress: items([{ ipProtocol: '-1', ipRanges: anywhere }]),
      tagSet: '',
    },
  ];
  const missing = notFound('InvalidGroup.NotFound', 'security group');
  const byId = among(all, GroupId, ({ groupId }) => groupId, missing);
  const named = among(byId, GroupName, ({ groupName }) => groupName, missing);
  const kind: Filterable = {
    names: FILTER_NAMES.SecurityGroups,
    renamed: {
      description: 'groupDescription',
      'ip-permission.protocol': 'ipPermissions.ipProtocol',
      'ip-permission.group-id': 'ipPermissions.groups.groupId',
      'ip-permission.user-id': 'ipPermissions.groups.userId',
      'egress.ip-permission.protocol': 'ipPermissionsEgress.ipProtocol',
      'egress.ip-permission.cidr': 'ipPermissionsEgress.ipRanges.cidrIp',
    },
  };
  return { securityGroupInfo: items(select(named, Filter, kind, (one) => one)) };
}

/** Those that are asked for by name; all without a name. */
export function among<T>(
  all: readonly T[],
  names: readonly string[],
  nameOf: (one: T) => string,
  refuse: (name: string) => Ec2Error,
): readonly T[] {
  if (names.length === 0) return all;
  const unknown = names.find((name) => !all.some((one) => nameOf(one) === name));
  if (unknown !== undefined) throw refuse(unknown.slice(0, 100));
  return all.filter((one) => names.includes(nameOf(one)));
}
