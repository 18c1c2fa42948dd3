/** What a stack is made from: the options of deploy:synth, checked before anything is made. */
import { z } from 'zod';
import { settingsSchema } from '../../runtime/settings.ts';

const instanceType = settingsSchema.shape.INSTANCE_TYPE;

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
    .describe('ACM certificate; with it, a load balancer serves HTTPS in front of the web tier'),
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
