/** What may be asked of the lists around the instances, as schemas over the parsed form. */
import { z } from 'zod';
import { dryRun, filters, flag, list, paging } from './form.ts';
import { ABSENT, type AbsentAction } from './lists/absent.ts';

const named = list(z.string());
const ofList = { ...dryRun, ...paging, Filter: filters };

export const describeRequests = {
  DescribeRegions: z.strictObject({
    ...dryRun,
    Filter: filters,
    RegionName: named,
    AllRegions: flag.optional(),
  }),
  DescribeAvailabilityZones: z.strictObject({
    ...dryRun,
    Filter: filters,
    ZoneName: named,
    ZoneId: named,
    AllAvailabilityZones: flag.optional(),
  }),
  DescribeVpcs: z.strictObject({ ...ofList, VpcId: named }),
  DescribeSubnets: z.strictObject({ ...ofList, SubnetId: named }),
  DescribeSecurityGroups: z.strictObject({ ...ofList, GroupId: named, GroupName: named }),
  DescribeInstanceTypes: z.strictObject({
    ...ofList,
    InstanceType: named,
    IncludeUnsupportedInRegion: flag.optional(),
  }),
  DescribeInstanceCreditSpecifications: z.strictObject({ ...ofList, InstanceId: named }),
  DescribeInstanceAttribute: z.strictObject({
    ...dryRun,
    InstanceId: z.string(),
    Attribute: z.string(),
  }),
  GetConsoleOutput: z.strictObject({
    ...dryRun,
    InstanceId: z.string(),
    Latest: flag.optional(),
  }),
} as const;

/** Further parameters only choose among what is not there. */
const absent = z.object({ ...dryRun, Filter: filters }).catchall(z.unknown());

export const absentRequests = Object.fromEntries(
  Object.keys(ABSENT).map((action) => [action, absent]),
) as Readonly<Record<AbsentAction, typeof absent>>;
