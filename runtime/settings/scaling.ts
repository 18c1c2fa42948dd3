/** Settings of the scaler: its policy, the size of the fleet, its status page, and how instances are launched. */
import { z } from 'zod';
import { INSTANCE_TYPE, listOf, seconds, whole } from './kinds.ts';

export const scalingSettings = {
  SCALE_POLICY: z
    .enum(['threshold', 'backlog', 'drain-time'], {
      error: 'must be threshold, backlog or drain-time',
    })
    .default('threshold')
    .describe(
      'Scaling policy: `threshold` (one instance per request), `backlog` (one instance per BACKLOG_PER_INSTANCE requests) or `drain-time` (the smallest fleet that meets LATENCY_SECONDS).',
    ),
  MAX_INSTANCES: whole(1, 1000)
    .default(20)
    .describe(
      'Maximum number of instances. `npm start` derives the default from cores and memory.',
    ),
  MIN_INSTANCES: whole(0, 1000)
    .default(0)
    .describe('Minimum number of instances, kept even if there is no work.'),
  SCALE_OUT_THRESHOLD: whole(0, 1_000_000)
    .default(0)
    .describe(
      '`threshold`: number of open requests up to which one instance serves them all; above it, one instance per request.',
    ),
  BACKLOG_PER_INSTANCE: whole(1, 1_000_000)
    .default(10)
    .describe('`backlog`: open requests (waiting or in work) per instance.'),
  LATENCY_SECONDS: seconds(0.1, 86_400)
    .default(60)
    .describe('`drain-time`: seconds within which requests should be answered, including a boot.'),
  SLACK_SHARE: z.coerce
    .number<string | number>({ error: 'must be a share from 0 to 1' })
    .min(0, { error: 'must be at least 0' })
    .max(1, { error: 'must be at most 1' })
    .default(0)
    .describe(
      '`drain-time`: share of the spare time that the first launch may wait for more requests, from 0 to 1 (1 = cheapest).',
    ),
  KEEP_SECONDS: seconds(0, 86_400)
    .default(0)
    .describe('`drain-time`: seconds an instance that is not needed is kept while there is work.'),
  GUESS_SERVICE_SECONDS: seconds(0.001, 86_400)
    .default(0.1)
    .describe('`drain-time`: assumed seconds per request on one instance, until it is measured.'),
  GUESS_BOOT_SECONDS: seconds(0.1, 3600)
    .default(45)
    .describe('`drain-time`: assumed seconds from launch to first work, until it is measured.'),
  IDLE_SECONDS: seconds(0, 86_400)
    .default(10)
    .describe('Seconds an idle instance is kept before it is drained and terminated.'),
  BOOT_SECONDS: seconds(1, 3600)
    .default(300)
    .describe('Seconds an instance may take to report before it is replaced.'),
  SCALER_PORT: whole(0, 65535)
    .default(0)
    .describe('Port of the scaler’s status page and metrics (0 = any free port).'),
  SCALER_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address that the scaler’s status page and metrics listen on.'),
};

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
