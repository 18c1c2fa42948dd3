/**
 * What each EC2 action may be asked, as schemas over the parsed form. The checks that need no look at
 * the instances are made here, with EC2's own error codes.
 */
import { z } from 'zod';
import { absentRequests, describeRequests } from './describe-requests.ts';
import { Ec2Error, invalidValue, missingParameter } from './errors.ts';
import {
  count,
  dryRun,
  type FormObject,
  filters,
  flag,
  list,
  onInstances,
  paging,
  tags,
  WRITABLE,
} from './form.ts';

/** Real parameters of RunInstances that mean nothing to a process on this machine. */
const passedOver = Object.fromEntries(
  [
    'BlockDeviceMapping',
    'CapacityReservationSpecification',
    'CpuOptions',
    'CreditSpecification',
    'DisableApiStop',
    'DisableApiTermination',
    'EbsOptimized',
    'EnclaveOptions',
    'HibernationOptions',
    'InstanceInitiatedShutdownBehavior',
    'MaintenanceOptions',
    'Monitoring',
    'NetworkInterface',
    'NetworkPerformanceOptions',
    'PrivateDnsNameOptions',
    'SecurityGroup',
  ].map((name) => [name, z.unknown().optional()]),
);

/** EC2 takes 16 KB of user data before base64. */
const USER_DATA_BYTES = 16_384;

const runInstances = z.strictObject({
  ...dryRun,
  ...passedOver,
  ImageId: z.string(),
  InstanceType: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, { error: 'it is not an instance type' })
    .default('m1.small'),
  MinCount: count(1, 1000),
  MaxCount: count(1, 1000),
  ClientToken: z.string().max(64).regex(WRITABLE).optional(),
  KeyName: z.string().max(255).regex(WRITABLE).optional(),
  SecurityGroupId: list(z.string().regex(WRITABLE)),
  SubnetId: z.string().regex(WRITABLE).optional(),
  UserData: z
    .base64({ error: 'it is not base64' })
    .refine((text) => Buffer.from(text, 'base64').length <= USER_DATA_BYTES, {
      error: `user data has at most ${USER_DATA_BYTES} bytes`,
    })
    .optional(),
  IamInstanceProfile: z
    .strictObject({
      Name: z.string().regex(WRITABLE).optional(),
      Arn: z.string().regex(WRITABLE).optional(),
    })
    .optional(),
  InstanceMarketOptions: z
    .strictObject({
      MarketType: z.enum(['spot'], { error: 'the local EC2 has only the market spot' }).optional(),
      SpotOptions: z
        .strictObject({
          MaxPrice: z.string().optional(),
          SpotInstanceType: z.enum(['one-time', 'persistent']).optional(),
          ValidUntil: z.string().optional(),
          InstanceInterruptionBehavior: z
            .enum(['terminate'], { error: 'the local EC2 only terminates' })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  MetadataOptions: z.looseObject({ InstanceMetadataTags: z.string().optional() }).optional(),
  Placement: z
    .looseObject({
      AvailabilityZone: z
        .string()
        .regex(/^[a-z0-9-]{2,40}$/, { error: 'it is not an availability zone' })
        .optional(),
    })
    .optional(),
  TagSpecification: list(z.strictObject({ ResourceType: z.string(), Tag: tags })),
});
export type RunInstancesRequest = z.output<typeof runInstances>;

export const requests = {
  RunInstances: runInstances,
  DescribeInstances: z.strictObject({
    ...dryRun,
    ...paging,
    InstanceId: list(z.string()),
    IncludeManagedResources: flag.optional(),
    Filter: filters,
  }),
  DescribeInstanceStatus: z.strictObject({
    ...dryRun,
    ...paging,
    InstanceId: list(z.string()),
    Filter: filters,
    IncludeManagedResources: flag.optional(),
    IncludeAllInstances: flag.default(false),
  }),
  TerminateInstances: onInstances,
  StopInstances: onInstances.extend({ Force: flag.optional(), Hibernate: flag.optional() }),
  StartInstances: onInstances,
  CreateTags: z.strictObject({
    ...dryRun,
    ResourceId: z.array(z.string()).min(1).max(1000),
    Tag: tags,
  }),
  DeleteTags: z.strictObject({
    ...dryRun,
    ResourceId: z.array(z.string()).min(1).max(1000),
    /** Without a value the key goes whatever its value; with one, only when it is the same. */
    Tag: list(z.strictObject({ Key: z.string(), Value: z.string().optional() })),
  }),
  DescribeTags: z.strictObject({ ...dryRun, ...paging, Filter: filters }),
  DescribeImages: z.strictObject({
    ...dryRun,
    ...paging,
    ImageId: list(z.string()),
    Owner: list(z.string()),
    ExecutableBy: list(z.string()),
    IncludeDeprecated: flag.optional(),
    IncludeDisabled: flag.optional(),
    Filter: filters,
  }),
  RebootInstances: onInstances,
  DescribeInstanceTypeOfferings: z.strictObject({
    ...dryRun,
    ...paging,
    LocationType: z.enum(['region', 'availability-zone', 'availability-zone-id']).default('region'),
    Filter: filters,
  }),
  ...describeRequests,
  ...absentRequests,
} as const;

export type Ec2Action = keyof typeof requests;
export type Ec2Request<Action extends Ec2Action> = z.output<(typeof requests)[Action]>;

/** What any request may carry besides its action's own parameters: the older signatures. */
const ENVELOPE =
  /^(?:Action|Version|AWSAccessKeyId|Signature|SignatureMethod|SignatureVersion|Timestamp|SecurityToken|X-Amz-.*)$/i;

/** @throws {Ec2Error} InvalidAction for an action this EC2 does not know. */
export function actionOf(form: FormObject): Ec2Action {
  const action = form.Action;
  if (typeof action !== 'string' || action === '') {
    throw new Ec2Error(
      'MissingAction',
      'The request is missing an action or a required parameter.',
    );
  }
  if (!Object.hasOwn(requests, action)) {
    throw new Ec2Error(
      'InvalidAction',
      `The action ${action.slice(0, 100)} is not valid for this web service.`,
    );
  }
  return action as Ec2Action;
}

/**
 * Checks an action's parameters.
 * @throws {Ec2Error} MissingParameter, UnknownParameter or InvalidParameterValue.
 */
export function readRequest<Action extends Ec2Action>(
  action: Action,
  form: FormObject,
): Ec2Request<Action> {
  const parameters: FormObject = Object.fromEntries(
    Object.entries(form).filter(([name]) => !ENVELOPE.test(name)),
  );
  if (action === 'RunInstances' && parameters.LaunchTemplate !== undefined) {
    throw new Ec2Error(
      'UnsupportedOperation',
      'The local cloud has no launch templates: give ImageId and the other parameters themselves.',
    );
  }
  const parsed = requests[action].safeParse(parameters);
  if (parsed.success) return parsed.data as Ec2Request<Action>;
  throw refusal(parsed.error.issues[0]!, parameters);
}

function refusal(issue: z.core.$ZodIssue, parameters: FormObject): Ec2Error {
  // A list is counted from 1 on the wire.
  const path = issue.path.map((part) => (typeof part === 'number' ? part + 1 : String(part)));
  const name = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const unknown = [...path, issue.keys[0]].join('.').slice(0, 100);
    return new Ec2Error('UnknownParameter', `The parameter ${unknown} is not recognized`);
  }
  let given: unknown = parameters;
  for (const part of issue.path) given = (given as Record<PropertyKey, unknown>)?.[part];
  if (given === undefined) return missingParameter(name);
  const shown = typeof given === 'string' ? ` (${given.slice(0, 100)})` : '';
  return invalidValue(`Value${shown} for parameter ${name} is invalid: ${issue.message}`);
}
