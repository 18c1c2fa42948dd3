/** What a stack is made from: the options of deploy:synth, checked before anything is made. */
import { z } from 'zod';
import { settingsSchema } from '../../runtime/settings.ts';

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
  maxInstances: settingsSchema.shape.MAX_INSTANCES.describe('maximum number of workers'),
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
