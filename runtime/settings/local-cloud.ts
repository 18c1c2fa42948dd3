/** Settings of the embedded cloud alone: no service of a real cloud reads them. */
import { z } from 'zod';
import { folders } from '../folders.ts';
import { ACTION, INSTANCE_TYPE, listOf, SHARE, seconds, secondsOrRange, whole } from './kinds.ts';

export const localCloudSettings = {
  LOCAL_CLOUD_PORT: whole(0, 65535)
    .default(4566)
    .describe('port of the embedded cloud; 0 takes a free one'),
  LOCAL_DATA_DIR: z
    .string()
    .min(1)
    .default(folders.localCloud)
    .describe('folder of the embedded cloud’s queues, objects and instances'),
  LOCAL_EC2_BOOT_SECONDS: secondsOrRange.describe(
    'local EC2: time from launch to the worker’s start, e.g. `20` or `15-40`',
  ),
  LOCAL_EC2_START_SECONDS: secondsOrRange.describe('local EC2: the same for a stopped instance'),
  LOCAL_EC2_STOP_SECONDS: secondsOrRange.describe(
    'local EC2: time an instance is still stopping after its worker has ended',
  ),
  LOCAL_EC2_HIBERNATE_SECONDS: secondsOrRange.describe(
    'local EC2: the same for one that hibernates',
  ),
  LOCAL_EC2_LAG_SECONDS: seconds(0, 3600)
    .default(0)
    .describe('local EC2: time until a new instance or state is seen in its lists'),
  LOCAL_EC2_FAILURES: z
    .string()
    .regex(listOf(`${ACTION}=${SHARE}:[A-Z][A-Za-z.]+`), {
      error:
        'must be a list like RunInstances=0.2:InsufficientInstanceCapacity,*=0.05:InternalError',
    })
    .optional()
    .describe(
      'local EC2: share of calls that fail, e.g. `RunInstances=0.2:InsufficientInstanceCapacity`; `*` is any action',
    ),
  LOCAL_EC2_LOST_REPLIES: z
    .string()
    .regex(listOf(`${ACTION}=${SHARE}`), { error: 'must be a list like RunInstances=0.2,*=0.05' })
    .optional()
    .describe('local EC2: share of calls carried out without an answer, e.g. `RunInstances=0.2`'),
  LOCAL_EC2_CAPACITY: z
    .string()
    .regex(listOf(String.raw`(?:${INSTANCE_TYPE}|subnet-[a-z0-9]+|spot|\*)=\d{1,6}`), {
      error: 'must be a list like *=20,c7i.large=4,subnet-0a1b2c3d=2,spot=1',
    })
    .optional()
    .describe(
      'local EC2: most instances there is room for: in all, of a type, in a subnet, as spot, e.g. `*=20,c7i.large=4,subnet-0a1b2c3d=2,spot=1`',
    ),
  LOCAL_EC2_SPOT_INTERRUPTIONS: z.coerce
    .number<string | number>({ error: 'must be a number of interruptions an hour' })
    .min(0)
    .max(36_000)
    .default(0)
    .describe('local EC2: interruptions an hour of each spot instance, on average'),
  LOCAL_EC2_SPOT_NOTICE_SECONDS: seconds(0, 3600)
    .default(120)
    .describe('local EC2: time from the notice to the interruption'),
  LOCAL_EC2_SEED: whole(0, 2 ** 32 - 1)
    .default(1)
    .describe('local EC2: another one gives other random times and failures'),
};
