/**
 * Settings that several services read: the project, where AWS and Redis are, logs and traces, and how long a
 * request and its answer are kept.
 */
import { z } from 'zod';
import { endpoint, listOf, redisAddress, seconds, secret, whole } from './kinds.ts';

export const connectionSettings = {
  PROJECT_ID: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, {
      error:
        'must be 1 to 40 lower-case letters, digits and inner dashes, since bucket names are made from it',
    })
    .default('local')
    .describe('Project id. Names of queues, buckets, keys and instances start with it.'),
  BUCKET_SUFFIX: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, {
      error: 'must be 1 to 40 lower-case letters, digits and inner dashes',
    })
    .optional()
    .describe(
      'Suffix of bucket names, e.g. the account’s id, since a bucket’s name exists once in the world. Unset: names as the course has them, e.g. `local-in-bucket`.',
    ),
  ACCOUNT_ID: z
    .string()
    .regex(/^\d{12}$/, { error: 'must be the 12 digits of an AWS account' })
    .optional()
    .describe(
      'AWS account that the buckets must belong to: S3 refuses calls to buckets of others. Unset: the account of the credentials.',
    ),
  AWS_REGION: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, { error: 'must be an AWS region, e.g. us-east-1' })
    .default('us-east-1')
    .describe('AWS region.'),
  AWS_ENDPOINT_URL: endpoint.optional().describe('URL of SQS, S3 and EC2. Unset: AWS itself.'),
  AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint
    .optional()
    .describe('URL of the instance metadata service. Unset: the one of EC2.'),
  AWS_EC2_METADATA_DISABLED: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .describe('`true` for a worker that does not run on an EC2 instance, e.g. in a container.'),
  REDIS_URL: redisAddress
    .optional()
    .describe(
      'URL of Redis, which holds the request pressure and the leases of instances. Unset: `npm start` starts one.',
    ),
  REDIS_PASSWORD: secret(z.string().min(1))
    .optional()
    .describe('Password of Redis, if `REDIS_URL` contains none.'),
  SETTINGS_PARAMETER: z
    .string()
    .regex(listOf(String.raw`[\w./-]{1,1011}`), {
      error: 'must be a name of Parameter Store or several, e.g. /elastic-face/demo/settings',
    })
    .optional()
    .describe(
      'Parameters of AWS Parameter Store, separated by commas, that hold more settings: `NAME=value` lines or a JSON object. A change takes effect while the services run; the environment wins over them.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint
    .optional()
    .describe(
      'URL of the OTLP/HTTP collector that traces are sent to, e.g. http://127.0.0.1:4318. Unset: no traces.',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint
    .optional()
    .describe('Full URL of the traces endpoint. Overrides `OTEL_EXPORTER_OTLP_ENDPOINT`.'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info')
    .describe('Log level: trace, debug, info, warn, error, fatal or silent.'),
  HEARTBEAT_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File that a running service renews every 5 seconds, for a liveness probe of a container. Unset: none.',
    ),
};

export const requestSettings = {
  REQUEST_SECONDS: seconds(1, 86_400)
    .default(900)
    .describe('Seconds a request may take. A client that has no answer by that time gets 504.'),
  VISIBILITY_SECONDS: seconds(5, 43_200)
    .default(30)
    .describe(
      'Visibility timeout, in seconds, of a request that a worker has received. It is extended while work lasts.',
    ),
  MAX_RECEIVES: whole(1, 1000)
    .default(5)
    .describe('Deliveries of a request before it goes to the dead-letter queue.'),
  UNKNOWN_NAME: z
    .string()
    .regex(/^[^\p{Cc}\p{Cs}]{1,64}$/u, {
      error: 'must be a name of 1 to 64 characters on one line',
    })
    .optional()
    .describe(
      'Name that text answers and result objects give a stranger: a face whose nearest person is not `known`. Set it on the web tier and the workers. Unset: the nearest person is named.',
    ),
  RETENTION_DAYS: whole(0, 3650)
    .default(0)
    .describe('Days photos and results are kept (0 = forever).'),
};
