/**
 * Resources of EC2 that this one never has: their lists are empty, and one that is asked for by name
 * does not exist.
 */
import { notFound } from '../errors.ts';
import { items, type XmlObject } from '../xml.ts';
import { FILTER_NAMES } from './filter-names.ts';
import { type Filter, select } from './filters.ts';

interface Kind {
  /** Element of the list in the answer. */
  readonly list: string;
  readonly filters: keyof typeof FILTER_NAMES;
  /** Parameters that name single ones, with the error for one that is not there. */
  readonly named: Readonly<Record<string, string>>;
}

export const ABSENT = {
  DescribeAddresses: {
    list: 'addressesSet',
    filters: 'Addresses',
    named: { PublicIp: 'InvalidAddress.NotFound', AllocationId: 'InvalidAllocationID.NotFound' },
  },
  DescribeIamInstanceProfileAssociations: {
    list: 'iamInstanceProfileAssociationSet',
    filters: 'IamInstanceProfileAssociations',
    named: { AssociationId: 'InvalidAssociationID.NotFound' },
  },
  DescribeInternetGateways: {
    list: 'internetGatewaySet',
    filters: 'InternetGateways',
    named: { InternetGatewayId: 'InvalidInternetGatewayID.NotFound' },
  },
  DescribeKeyPairs: {
    list: 'keySet',
    filters: 'KeyPairs',
    named: { KeyName: 'InvalidKeyPair.NotFound', KeyPairId: 'InvalidKeyPair.NotFound' },
  },
  DescribeLaunchTemplates: {
    list: 'launchTemplates',
    filters: 'LaunchTemplates',
    named: {
      LaunchTemplateId: 'InvalidLaunchTemplateId.NotFound',
      LaunchTemplateName: 'InvalidLaunchTemplateName.NotFoundException',
    },
  },
  DescribeNatGateways: {
    list: 'natGatewaySet',
    filters: 'NatGateways',
    named: { NatGatewayId: 'NatGatewayNotFound' },
  },
  DescribeNetworkAcls: {
    list: 'networkAclSet',
    filters: 'NetworkAcls',
    named: { NetworkAclId: 'InvalidNetworkAclID.NotFound' },
  },
  DescribeNetworkInterfaces: {
    list: 'networkInterfaceSet',
    filters: 'NetworkInterfaces',
    named: { NetworkInterfaceId: 'InvalidNetworkInterfaceID.NotFound' },
  },
  DescribePlacementGroups: {
    list: 'placementGroupSet',
    filters: 'PlacementGroups',
    named: { GroupName: 'InvalidPlacementGroup.Unknown', GroupId: 'InvalidPlacementGroup.Unknown' },
  },
  DescribeRouteTables: {
    list: 'routeTableSet',
    filters: 'RouteTables',
    named: { RouteTableId: 'InvalidRouteTableID.NotFound' },
  },
  DescribeSnapshots: {
    list: 'snapshotSet',
    filters: 'Snapshots',
    named: { SnapshotId: 'InvalidSnapshot.NotFound' },
  },
  DescribeVolumes: {
    list: 'volumeSet',
    filters: 'Volumes',
    named: { VolumeId: 'InvalidVolume.NotFound' },
  },
  DescribeVolumeStatus: {
    list: 'volumeStatusSet',
    filters: 'VolumeStatus',
    named: { VolumeId: 'InvalidVolume.NotFound' },
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type AbsentAction = keyof typeof ABSENT;

/** @throws {Ec2Error} for one that is named, or a filter that EC2 does not have */
export function noneOf(
  action: AbsentAction,
  request: { readonly Filter: readonly Filter[]; readonly [name: string]: unknown },
): XmlObject {
  const { list, filters, named }: Kind = ABSENT[action];
  for (const [parameter, code] of Object.entries(named)) {
    const [name] = (request[parameter] ?? []) as readonly string[];
    if (name !== undefined) throw notFound(code, parameter)(name.slice(0, 100));
  }
  select([], request.Filter, { names: FILTER_NAMES[filters] }, () => ({}));
  return { [list]: items([]) };
}
