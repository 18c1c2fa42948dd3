/** Settings of how app-tier instances are launched. */
import { z } from 'zod';
import { INSTANCE_TYPE, listOf, whole } from './kinds.ts';

export const instanceSettings = {
  AMI_ID: z
    .string()
    .regex(/^ami-[0-9a-f]{8,17}$/, { error: 'must be an AMI id, e.g. ami-0123456789abcdef0' })
    .optional()
    .describe('AMI that instances are launched from.'),
  LAUNCH_TEMPLATE_ID: z
    .string()
    .regex(/^lt-[0-9a-f]{8,17}$/, {
      error: 'must be a launch template’s id, e.g. lt-0123456789abcdef0',
    })
    .optional()
    .describe(
      'Launch template of instances. Its image, role and security groups are used where no setting names others.',
    ),
  INSTANCE_TYPE: z
    .string()
    .regex(listOf(INSTANCE_TYPE), {
      error: 'must be an EC2 instance type or several, e.g. c7i.large,c6i.large',
    })
    .default('c7i.large')
    .describe(
      'Instance types in order of preference, e.g. `c7i.large,c6i.large`. The first one with capacity is used.',
    ),
  INSTANCE_PROFILE: z.string().optional().describe('IAM instance profile of instances.'),
  SECURITY_GROUP_ID: z.string().optional().describe('Security group of instances.'),
  SUBNET_ID: z
    .string()
    .regex(listOf('[A-Za-z0-9-]+'), {
      error: 'must be a subnet id or several, e.g. subnet-0a1b2c3d,subnet-0e1f2a3b',
    })
    .optional()
    .describe('Subnets of instances, separated by commas. The first one with capacity is used.'),
  SPOT: z
    .enum(['no', 'prefer', 'only'], { error: 'must be no, prefer or only' })
    .default('no')
    .describe(
      'Spot instances: `no`, `prefer` (on-demand when there is no spot capacity) or `only`.',
    ),
  SPOT_MAX_PRICE: z
    .string()
    .regex(/^\d{1,4}(?:\.\d{1,6})?$/, { error: 'must be dollars an hour, e.g. 0.05' })
    .optional()
    .describe('Maximum price of a spot instance in dollars per hour. Unset: the on-demand price.'),
  WARM_POOL: whole(0, 1000)
    .default(0)
    .describe('Number of idle instances to keep stopped, for a fast restart.'),
};
