/**
 * Every setting of every service, in one schema: read from the environment once at start, yargs flags
 * on top. This is the only file of the services that reads process.env.
 */
import { z } from 'zod';
import { SettingsError } from './errors.ts';
import { folders } from './folders.ts';
import { instanceSettings } from './settings/instances.ts';
import {
  endpoint,
  isSecret,
  listOf,
  redisAddress,
  seconds,
  secret,
  whole,
} from './settings/kinds.ts';
import { localCloudSettings } from './settings/local-cloud.ts';
import { webSettings } from './settings/web.ts';

/** What each setting means stands here and, made from here, in the README's table. */
export const settingsSchema = z.object({
  PROJECT_ID: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, {
      error:
        'must be 1 to 40 lower-case letters, digits and inner dashes, since bucket names are made from it',
    })
    .default('local')
    .describe('id that queue, bucket and key names start with'),
  PORT: whole(0, 65535).default(8000).describe('port of the web tier; 0 takes a free one'),
  HOST: z
    .string()
    .min(1)
    .optional()
    .describe(
      'address the web tier listens on; unset means all, under `npm start` only this machine',
    ),
  ALLOWED_HOSTS: z
    .string()
    .regex(listOf(String.raw`\.?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*`), {
      error: 'must be a list of host names like faces.example,.dev.example, without ports',
    })
    .optional()
    .describe(
      'Host names, besides localhost, under which browsers may reach services that listen on this machine only. `.dev.example` includes all names below it.',
    ),
  AWS_REGION: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, { error: 'must be an AWS region, e.g. us-east-1' })
    .default('us-east-1')
    .describe('AWS region'),
  AWS_ENDPOINT_URL: secret(endpoint)
    .optional()
    .describe('endpoint of SQS, S3 and EC2; unset means AWS itself'),
  AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint
    .optional()
    .describe('endpoint of the instance metadata service; unset means that of EC2'),
  AWS_EC2_METADATA_DISABLED: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .describe('`true` where a worker runs on no instance, as in a container'),
  REDIS_URL: secret(redisAddress)
    .optional()
    .describe('Redis that holds pressure and leases; the local cloud starts one when unset'),
  SCALE_POLICY: z
    .enum(['threshold', 'backlog', 'drain-time'], {
      error: 'must be threshold, backlog or drain-time',
    })
    .default('threshold')
    .describe(
      'rule of the scaler: `threshold` (an instance a request), `backlog` (so many requests an instance) or `drain-time` (the smallest fleet that meets LATENCY_SECONDS)',
    ),
  MAX_INSTANCES: whole(1, 1000)
    .default(20)
    .describe('largest fleet; on one machine, when unset, what its cores and memory bear'),
  MIN_INSTANCES: whole(0, 1000)
    .default(0)
    .describe('smallest fleet, kept also when there is no work'),
  SCALE_OUT_THRESHOLD: whole(0, 1_000_000)
    .default(0)
    .describe(
      'with more requests than this waiting or in work, one instance a request; up to it, one for all',
    ),
  BACKLOG_PER_INSTANCE: whole(1, 1_000_000)
    .default(10)
    .describe('`backlog`: requests waiting or in work for each instance'),
  LATENCY_SECONDS: seconds(0.1, 86_400)
    .default(60)
    .describe('`drain-time`: time within which requests should be answered, a boot included'),
  SLACK_SHARE: z.coerce
    .number<string | number>({ error: 'must be a share from 0 to 1' })
    .min(0, { error: 'must be at least 0' })
    .max(1, { error: 'must be at most 1' })
    .default(0)
    .describe(
      '`drain-time`: share of the time to spare that a first launch waits for more requests; 1 is cheapest',
    ),
  KEEP_SECONDS: seconds(0, 86_400)
    .default(0)
    .describe(
      '`drain-time`: while there is work, an instance no longer needed is kept for so long',
    ),
  GUESS_SERVICE_SECONDS: seconds(0.001, 86_400)
    .default(0.1)
    .describe('`drain-time`, until it has measured: what a request takes on one instance'),
  GUESS_BOOT_SECONDS: seconds(0.1, 3600)
    .default(45)
    .describe('`drain-time`, until it has measured: from launch to taking work'),
  IDLE_SECONDS: seconds(0, 86_400)
    .default(10)
    .describe('an instance idle for this long, with an empty queue, is drained and terminated'),
  BOOT_SECONDS: seconds(1, 3600)
    .default(300)
    .describe('an instance that has not reported by then is replaced'),
  VISIBILITY_SECONDS: seconds(5, 43_200)
    .default(30)
    .describe('visibility timeout of a request in work; extended while work lasts'),
  MAX_RECEIVES: whole(1, 1000)
    .default(5)
    .describe('deliveries of a request before it goes to the dead-letter queue'),
  ...webSettings,
  RETENTION_DAYS: whole(0, 3650)
    .default(0)
    .describe('photos and results are deleted after so many days; 0 keeps them'),
  MODEL_DIR: z.string().min(1).default(folders.model).describe('folder of the converted model'),
  BACKEND: z
    .enum(['auto', 'tensorflow', 'wasm'], { error: 'must be auto, tensorflow or wasm' })
    .default('auto')
    .describe('engine of the model; auto takes tensorflow where it loads, else wasm'),
  PRECISION: z
    .enum(['auto', 'float32', 'bfloat16'], { error: 'must be auto, float32 or bfloat16' })
    .default('auto')
    .describe(
      'Encoder precision. `auto` picks the faster one on this processor by a short trial; the names are the same.',
    ),
  KNOWN_DISTANCE: z.coerce
    .number<string | number>({ error: 'must be a distance from 0 to 2' })
    .min(0, { error: 'must be at least 0' })
    .max(2, { error: 'must be at most 2' })
    .optional()
    .describe(
      'distance below which JSON answers call the nearest person `known`; unset means the encoder’s own, 0.92 for facenet and 0.55 for compact',
    ),
  THREADS: whole(1, 256).default(1).describe('threads of one inference process'),
  FACE_CHECKPOINTS: z
    .string()
    .min(1)
    .optional()
    .describe('folder of the PyTorch checkpoints and the gallery to convert'),
  ENCODER: z
    .enum(['facenet', 'compact'], { error: 'must be facenet or compact' })
    .optional()
    .describe(
      'encoder of a model that is converted; unset means facenet where its weights can be had, else compact',
    ),
  ...instanceSettings,
  SCALER_PORT: whole(0, 65535)
    .default(0)
    .describe('port of the scaler’s status page and metrics; 0 takes a free one'),
  SCALER_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address the scaler’s status page and metrics listen on'),
  ...localCloudSettings,
  OTEL_EXPORTER_OTLP_ENDPOINT: secret(endpoint)
    .optional()
    .describe(
      'OTLP/HTTP collector that traces are sent to, e.g. http://127.0.0.1:4318; unset traces nothing',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: secret(endpoint)
    .optional()
    .describe('the same as a whole address, path and all; it wins'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info')
    .describe('least level that is logged'),
});

export type Settings = z.output<typeof settingsSchema>;
export type SettingName = keyof Settings;
/** Values as they come from outside: text from the environment, typed values from flags. */
export type SettingsInput = Readonly<Record<string, unknown>>;

/**
 * Checks the environment against the schema; `overrides` (flags) win where they are defined.
 * An empty variable counts as unset, as shells and unit files make no difference.
 * @throws {SettingsError} naming every wrong setting, its value's rule and what was given.
 */
export function readSettings(
  overrides: SettingsInput = {},
  environment: SettingsInput = process.env,
): Settings {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(settingsSchema.shape)) {
    const value = overrides[name] ?? environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = settingsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]) as SettingName;
    return `${name} ${issue.message} (${shownOf(name, given[name])})`;
  });
  throw new SettingsError(`Wrong settings: ${wrong.join('; ')}. Correct and start again.`);
}

/** A wrong value as an error may show it. */
function shownOf(name: SettingName, value: unknown): string {
  return isSecret(settingsSchema.shape[name])
    ? 'its value is not shown'
    : `got ${JSON.stringify(value)}`;
}

/** Whether the environment itself names this setting, so that a default may depend on the machine. */
export function isSet(name: SettingName, environment: SettingsInput = process.env): boolean {
  return environment[name] !== undefined && environment[name] !== '';
}
