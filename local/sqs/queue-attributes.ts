/** What SQS takes as attributes of a queue. Knows the other queues only by name. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { invalidValue, SqsError } from './errors.ts';

export type Attributes = Readonly<Record<string, string>>;

const SETTABLE = new Set([
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'DelaySeconds',
  'FifoQueue',
  'FifoThroughputLimit',
  'KmsDataKeyReusePeriodSeconds',
  'KmsMasterKeyId',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'Policy',
  'ReceiveMessageWaitTimeSeconds',
  'RedriveAllowPolicy',
  'RedrivePolicy',
  'SqsManagedSseEnabled',
  'VisibilityTimeout',
]);
const READABLE = new Set([
  ...SETTABLE,
  'All',
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'QueueArn',
]);
const JSON_VALUES = ['Policy', 'RedriveAllowPolicy', 'RedrivePolicy'];
const QUEUE_NAME = /^[\w-]{1,80}$|^[\w-]{1,75}\.fifo$/;

const redrive = z.object({
  deadLetterTargetArn: z.string(),
  maxReceiveCount: z.coerce.number().int().min(1).max(1000),
});

/** @throws {SqsError} InvalidParameterValue */
export function checkQueueName(name: unknown): asserts name is string {
  if (typeof name === 'string' && QUEUE_NAME.test(name)) return;
  throw badName();
}

function badName(): SqsError {
  return invalidValue(
    'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
  );
}

/** A name that ends in `.fifo` and the attribute FifoQueue need each other. @throws {SqsError} InvalidParameterValue */
export function checkFifo(name: string, { FifoQueue }: Attributes): void {
  const hasEnding = name.endsWith('.fifo');
  if (hasEnding && FifoQueue !== 'true') throw badName();
  if (FifoQueue === 'true' && !hasEnding) {
    throw invalidValue('The name of a FIFO queue can only end with the .fifo suffix.');
  }
}

/** @throws {SqsError} InvalidAttributeName */
export function checkReadable(names: readonly string[]): void {
  const unknown = names.find((name) => !READABLE.has(name));
  if (unknown !== undefined) throw unknownAttribute(unknown);
}

/** @throws {SqsError} InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue */
export function checkSettable(attributes: Attributes, hasQueue: (arn: string) => boolean): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (!SETTABLE.has(name)) throw unknownAttribute(name);
    if (JSON_VALUES.includes(name) && value !== '' && parsed(value) === undefined) {
      throw new SqsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
    }
  }
  const policy = attributes.RedrivePolicy;
  if (policy === undefined || policy === '') return;
  const { success, data } = redrive.safeParse(parsed(policy));
  if (!success) {
    throw invalidValue(
      `Value ${policy.slice(0, 200)} for parameter RedrivePolicy is invalid. Reason: it needs deadLetterTargetArn, and maxReceiveCount between 1 and 1000.`,
    );
  }
  if (!hasQueue(data.deadLetterTargetArn)) {
    throw invalidValue(
      `Value ${policy.slice(0, 200)} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.`,
    );
  }
}

/** The first of the asked attributes that a queue has otherwise. */
export function firstDifference(
  asked: Attributes,
  current: (name: string) => string | undefined,
): string | undefined {
  return Object.keys(asked).find((name) => {
    const [want, have] = [asked[name] ?? '', current(name) ?? ''];
    if (want === have) return false;
    if (name === 'RedrivePolicy') {
      return !isDeepStrictEqual(redrive.safeParse(parsed(want)), redrive.safeParse(parsed(have)));
    }
    if (JSON_VALUES.includes(name)) return !isDeepStrictEqual(parsed(want), parsed(have));
    return want !== (have || 'false');
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unknownAttribute(name: string): SqsError {
  return new SqsError('InvalidAttributeName', `Unknown Attribute ${name.slice(0, 100)}.`);
}
