/** Settings of how app-tier instances are launched and kept. Knows no policy. */
import { z } from 'zod';
import { INSTANCE_TYPE, listOf, seconds, whole } from './kinds.ts';

export const instanceSettings = {
  AMI_ID: z
    .string()
    .regex(/^ami-[0-9a-f]{8,17}$/, { error: 'must be an AMI id, e.g. ami-0123456789abcdef0' })
    .optional()
    .describe('image that app-tier instances start from'),
  LAUNCH_TEMPLATE_ID: z
    .string()
    .regex(/^lt-[0-9a-f]{8,17}$/, {
      error: 'must be a launch template’s id, e.g. lt-0123456789abcdef0',
    })
    .optional()
    .describe(
      'launch template of app-tier instances; its image, role and groups hold where none are set',
    ),
  INSTANCE_TYPE: z
    .string()
    .regex(listOf(INSTANCE_TYPE), {
      error: 'must be an EC2 instance type or several, e.g. c7i.large,c6i.large',
    })
    .default('c7i.large')
    .describe(
      'type of app-tier instances; of several, the first that can be had, e.g. `c7i.large,c6i.large`',
    ),
  INSTANCE_PROFILE: z.string().optional().describe('IAM instance profile of app-tier instances'),
  SECURITY_GROUP_ID: z.string().optional().describe('security group of app-tier instances'),
  SUBNET_ID: z
    .string()
    .regex(listOf('[A-Za-z0-9-]+'), {
      error: 'must be a subnet id or several, e.g. subnet-0a1b2c3d,subnet-0e1f2a3b',
    })
    .optional()
    .describe('subnet of app-tier instances; of several, the first that has room'),
  SPOT: z
    .enum(['no', 'prefer', 'only'], { error: 'must be no, prefer or only' })
    .default('no')
    .describe('spot instances: `no`, `prefer` (on-demand ones while there are none) or `only`'),
  SPOT_MAX_PRICE: z
    .string()
    .regex(/^\d{1,4}(?:\.\d{1,6})?$/, { error: 'must be dollars an hour, e.g. 0.05' })
    .optional()
    .describe('most dollars an hour for a spot instance; unset means the on-demand price'),
  ALONE_SECONDS: seconds(1, 604_800)
    .default(1800)
    .describe(
      'seconds an instance without a scaler and without work, or one that has drained, waits before it ends itself',
    ),
  WARM_POOL: whole(0, 1000)
    .default(0)
    .describe('so many idle instances are stopped, not terminated, and started again first'),
};
