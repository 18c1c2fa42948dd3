/** What a stack is made from: the options of deploy:synth, checked before anything is made. */
import { z } from 'zod';
import { cloudNames } from '../../cloud/contract/names.ts';
import { messageOf } from '../../runtime/errors.ts';
import { readSettings, settingsSchema } from '../../runtime/settings.ts';

const instanceType = settingsSchema.shape.INSTANCE_TYPE;
const EVERYWHERE = '0.0.0.0/0';
/** Ranges of fewer bits hold strangers, whatever the network. */
const NARROWEST_OPEN = 8;
/** The days for which CloudWatch Logs can keep lines. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653];

const networks = z
  .string()
  .transform((text) => text.split(',').map((range) => range.trim()))
  .pipe(z.array(z.cidrv4({ error: 'must be IPv4 ranges, e.g. 203.0.113.0/24,198.51.100.7/32' })));

/** S3's limit of a bucket's name. */
const MOST_NAME = 63;
const ANY_ACCOUNT = '000000000000';

const moreSettings = z
  .string()
  .transform((text) =>
    Object.fromEntries(
      text.split(';').map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at).trim(), pair.slice(at + 1)];
      }),
    ),
  )
  .superRefine((settings, { addIssue }) => {
    for (const name of Object.keys(settings)) {
      if (!(name in settingsSchema.shape)) addIssue(`must name settings, and ${name} is none`);
    }
    try {
      readSettings({}, settings);
    } catch (error) {
      addIssue(`must be correct. ${messageOf(error)}`);
    }
  });

/** CDK context, given as `-c name=value`; numbers arrive as text. */
export const stackOptionsSchema = z.strictObject({
  id: settingsSchema.shape.PROJECT_ID.removeDefault().describe(
    'project id; all names start with it',
  ),
  region: settingsSchema.shape.AWS_REGION.describe('AWS region'),
  workerType: instanceType.describe('instance type of workers'),
  webType: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, { error: 'must be an EC2 instance type, e.g. t3.small' })
    .default('t3.small')
    .describe('instance type of the web tier'),
  webNodes: z.coerce
    .number()
    .int()
    .min(1, { error: 'must be at least 1' })
    .max(12, { error: 'must be at most 12' })
    .default(1)
    .describe('number of web instances, each with a scaler of which one leads'),
  redis: z
    .enum(['instance', 'elasticache'], { error: 'must be instance or elasticache' })
    .optional()
    .describe(
      'where Redis runs: on the web instance, or as Valkey in ElastiCache (default with more web nodes than one)',
    ),
  cacheType: z
    .string()
    .regex(/^cache\.[a-z0-9-]+\.[a-z0-9-]+$/, { error: 'must be e.g. cache.t4g.micro' })
    .default('cache.t4g.micro')
    .describe('node type of ElastiCache'),
  maxInstances: settingsSchema.shape.MAX_INSTANCES.describe('maximum number of workers'),
  policy: settingsSchema.shape.SCALE_POLICY.removeDefault()
    .default('drain-time')
    .describe('scaling policy: drain-time, backlog or threshold (the course’s)'),
  settings: moreSettings
    .default({})
    .describe('more settings of the services, e.g. SPOT=prefer;LATENCY_SECONDS=30'),
  bucketNames: z
    .enum(['account', 'course'], { error: 'must be account or course' })
    .default('account')
    .describe(
      'names of buckets: with the account’s id and the region at the end (see the parameter BucketNames), or exactly the course’s, which one account in the world can have',
    ),
  keepDays: z.coerce
    .number()
    .int()
    .min(1, { error: 'must be at least 1 day' })
    .max(3650)
    .default(30)
    .describe('days after which photos and results are deleted'),
  budgetDollars: z.coerce
    .number()
    .positive()
    .default(50)
    .describe('monthly cost in US dollars that triggers the budget alarm'),
  email: z.email().optional().describe('e-mail address for alarms and the budget'),
  certificateArn: z
    .string()
    .regex(/^arn:aws[\w-]*:acm:/, { error: 'must be the ARN of an ACM certificate' })
    .optional()
    .describe('ACM certificate of the load balancer that serves HTTPS in front of the web tier'),
  plainHttp: z
    .boolean()
    .default(false)
    .describe('serve plain HTTP on port 8000 of the web instance, without a load balancer'),
  keys: z
    .enum(['required', 'none'], { error: 'must be required or none' })
    .default('required')
    .describe('whether clients need an API key; none only for networks named by allow-from'),
  allowFrom: networks
    .default([EVERYWHERE])
    .describe('IPv4 ranges that may connect, separated by commas (default: everywhere)'),
  logDays: z.coerce
    .number()
    .refine((days) => LOG_DAYS.includes(days), { error: `must be one of ${LOG_DAYS.join(', ')}` })
    .default(30)
    .describe('days for which logs of instances are kept'),
});

export type StackOptions = z.output<typeof stackOptionsSchema>;

/**
 * What bucket names of a project can end with, the preferred one first: `account-region`, or `account` in a
 * stack that was created before names held the region, or with an id that leaves no room for it.
 */
export function bucketEndings({
  id,
  region,
}: Pick<StackOptions, 'id' | 'region'>): ('account-region' | 'account')[] {
  const fits = surplus(id, `${ANY_ACCOUNT}-${region}`) <= 0;
  return fits ? ['account-region', 'account'] : ['account'];
}

/** Letters of the longest bucket name above S3's limit. */
function surplus(id: string, suffix: string): number {
  return cloudNames(id, suffix).peopleBucket.length - MOST_NAME;
}

/** Where Redis runs. */
export function redisOf({ redis, webNodes }: StackOptions): 'instance' | 'elasticache' {
  return redis ?? (webNodes > 1 ? 'elasticache' : 'instance');
}

/** @throws {Error} naming each wrong option and its rule */
export function readStackOptions(given: Readonly<Record<string, unknown>>): StackOptions {
  const known = Object.fromEntries(
    Object.keys(stackOptionsSchema.shape)
      .filter((name) => given[name] !== undefined && given[name] !== '')
      .map((name) => [name, given[name]]),
  );
  const parsed = stackOptionsSchema.safeParse(known);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(
    ({ path, message }) =>
      `${String(path[0])} ${message} (got ${JSON.stringify(known[String(path[0])])})`,
  );
  throw new Error(`Wrong options: ${wrong.join('; ')}.`);
}

/**
 * Options that are right alone and not together.
 * @throws {Error} saying what to change
 */
export function requireTogether(options: StackOptions): void {
  const { id, webNodes, certificateArn, bucketNames } = options;
  const longest = surplus(id, ANY_ACCOUNT);
  if (bucketNames === 'account' && longest > 0) {
    throw new Error(
      `With the account’s id, bucket names would be ${longest} letters too long: give an --id of at most ${id.length - longest} letters, or --bucket-names course.`,
    );
  }
  if (webNodes === 1) return;
  if (certificateArn === undefined) {
    throw new Error('Several web nodes need the load balancer: give --certificate-arn.');
  }
  if (redisOf(options) === 'instance') {
    throw new Error(
      'Several web nodes need one Redis: leave --redis out, or set it to elasticache.',
    );
  }
}

/**
 * Who may reach the web tier, and how, is never left open by an omission.
 * @throws {Error} saying which option is missing
 */
export function requireClosed({ certificateArn, plainHttp, keys, allowFrom }: StackOptions): void {
  if (certificateArn === undefined && !plainHttp) {
    throw new Error(
      'HTTPS needs a certificate: give --certificate-arn. To serve plain HTTP, which shows keys and photos to the network, give --plain-http.',
    );
  }
  if (certificateArn !== undefined && plainHttp) {
    throw new Error('--certificate-arn serves HTTPS and --plain-http does not: give one of them.');
  }
  const wide = allowFrom.find((range) => Number(range.split('/')[1]) < NARROWEST_OPEN);
  if (keys === 'none' && wide !== undefined) {
    throw new Error(
      `Without keys everybody in ${wide} could recognise and enrol people: name the networks that may, e.g. --allow-from 203.0.113.0/24, or leave --keys at required.`,
    );
  }
}
