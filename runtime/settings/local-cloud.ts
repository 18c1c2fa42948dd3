/** Settings of the embedded cloud. */
import { z } from 'zod';
import { folders } from '../folders.ts';
import { ACTION, INSTANCE_TYPE, listOf, SHARE, seconds, secondsOrRange, whole } from './kinds.ts';

export const localCloudSettings = {
  LOCAL_CLOUD_PORT: whole(0, 65535)
    .default(4566)
    .describe('Port of the embedded cloud (0 = any free port).'),
  LOCAL_DATA_DIR: z
    .string()
    .min(1)
    .default(folders.localCloud)
    .describe('Folder of the embedded cloud’s queues, objects and instances.'),
  LOCAL_EC2_BOOT_SECONDS: secondsOrRange.describe(
    'Seconds from launch to the start of the worker, e.g. `20` or `15-40`.',
  ),
  LOCAL_EC2_START_SECONDS: secondsOrRange.describe(
    'Seconds from the start of a stopped instance to the start of its worker.',
  ),
  LOCAL_EC2_STOP_SECONDS: secondsOrRange.describe(
    'Seconds an instance stays in `stopping` after its worker has ended.',
  ),
  LOCAL_EC2_HIBERNATE_SECONDS: secondsOrRange.describe(
    'Seconds an instance that hibernates stays in `stopping`.',
  ),
  LOCAL_EC2_LAG_SECONDS: seconds(0, 3600)
    .default(0)
    .describe('Seconds until a new instance or state appears in describe calls.'),
  LOCAL_EC2_FAILURES: z
    .string()
    .regex(listOf(`${ACTION}=${SHARE}:[A-Z][A-Za-z.]+`), {
      error:
        'must be a list like RunInstances=0.2:InsufficientInstanceCapacity,*=0.05:InternalError',
    })
    .optional()
    .describe(
      'Share of EC2 calls that fail, with the error, e.g. `RunInstances=0.2:InsufficientInstanceCapacity`. `*` is any action.',
    ),
  LOCAL_EC2_LOST_REPLIES: z
    .string()
    .regex(listOf(`${ACTION}=${SHARE}`), { error: 'must be a list like RunInstances=0.2,*=0.05' })
    .optional()
    .describe(
      'Share of EC2 calls that are carried out without an answer, e.g. `RunInstances=0.2`.',
    ),
  LOCAL_EC2_CAPACITY: z
    .string()
    .regex(listOf(String.raw`(?:${INSTANCE_TYPE}|subnet-[a-z0-9]+|spot|\*)=\d{1,6}`), {
      error: 'must be a list like *=20,c7i.large=4,subnet-0a1b2c3d=2,spot=1',
    })
    .optional()
    .describe(
      'Capacity in instances: in all, per type, per subnet, for spot, e.g. `*=20,c7i.large=4,subnet-0a1b2c3d=2,spot=1`.',
    ),
  LOCAL_EC2_SPOT_INTERRUPTIONS: z.coerce
    .number<string | number>({ error: 'must be a number of interruptions an hour' })
    .min(0)
    .max(36_000)
    .default(0)
    .describe('Average number of interruptions per hour of a spot instance.'),
  LOCAL_EC2_SPOT_NOTICE_SECONDS: seconds(0, 3600)
    .default(120)
    .describe('Seconds from a spot interruption notice to the interruption.'),
  LOCAL_EC2_SEED: whole(0, 2 ** 32 - 1)
    .default(1)
    .describe('Seed of the random times and failures.'),
};
