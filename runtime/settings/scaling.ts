/** Settings of the scaler: its policy, the size of the fleet and its status page. */
import { z } from 'zod';
import { seconds, whole } from './kinds.ts';

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
