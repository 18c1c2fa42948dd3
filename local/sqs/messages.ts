/** What SQS takes as a message, and the receipt handles of messages it gave out. Pure. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { invalidValue, outOfRange, SqsError } from './errors.ts';

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const ALLOWED = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;
const MOST_ATTRIBUTES = 10;
const NAME = /^(?!\.)(?!.*\.\.)(?!(?:aws|amazon)\.)[\w.-]{1,256}(?<!\.)$/i;
const TYPE = /^(?:String|Number|Binary)(?:\.\S{1,250})?$/;

export function isWritable(text: string): boolean {
  return ALLOWED.test(text);
}

const attribute = z.object({
  DataType: z.string().optional(),
  StringValue: z.string().optional(),
  BinaryValue: z.string().optional(),
});
export const message = z.looseObject({
  MessageBody: z.string().optional(),
  DelaySeconds: z.unknown().optional(),
  MessageAttributes: z.record(z.string(), attribute).optional(),
});

/** @throws {SqsError} for what fauxqs does not look at, or looks at too late */
export function checkMessage({
  MessageBody,
  DelaySeconds,
  MessageAttributes = {},
}: z.output<typeof message>): void {
  if (MessageBody === undefined || MessageBody === '') {
    throw new SqsError('MissingParameter', 'The request must contain the parameter MessageBody.');
  }
  if (DelaySeconds !== undefined) checkWhole('DelaySeconds', DelaySeconds, 0, 900);
  const entries = Object.entries(MessageAttributes);
  if (entries.length > MOST_ATTRIBUTES) {
    throw invalidValue(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${MOST_ATTRIBUTES}].`,
    );
  }
  for (const [name, value] of entries) checkAttribute(name, value);
}

function checkAttribute(
  name: string,
  { DataType = '', StringValue, BinaryValue }: z.output<typeof attribute>,
): void {
  if (!NAME.test(name))
    throw invalidValue(`Invalid message attribute name '${name.slice(0, 100)}'.`);
  if (!TYPE.test(DataType)) {
    throw invalidValue(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const isBinary = DataType.startsWith('Binary');
  const value = isBinary ? BinaryValue : StringValue;
  if (value === undefined || value === '') {
    const kind = isBinary ? 'binary' : 'string';
    throw invalidValue(`The message attribute '${name}' must contain a non-empty ${kind} value.`);
  }
  if (!isBinary && !isWritable(value)) {
    throw new SqsError(
      'InvalidMessageContents',
      `The message attribute '${name}' has invalid characters.`,
    );
  }
  if (DataType.startsWith('Number') && !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(value)) {
    throw invalidValue(`Can't cast the value of message attribute '${name}' to a number.`);
  }
}

/** @throws {SqsError} InvalidParameterValue */
export function checkWhole(name: string, value: unknown, low: number, high: number): void {
  if (Number.isInteger(value) && Number(value) >= low && Number(value) <= high) return;
  throw outOfRange(name, value, low, high);
}

const HANDLE = /^([0-9a-f-]{36})\.([\w-]{22})$/;

/**
 * What a client gets of a receipt of fauxqs's, which takes any text: with a check in it, a handle that was never
 * given, or is another queue's, can be distinguished from one of a message deleted before.
 */
export function handleOf(receipt: string, queue: string): string {
  return `${receipt}.${checkOf(receipt, queue)}`;
}

/** @throws {SqsError} ReceiptHandleIsInvalid for text that `handleOf` did not give for this queue */
export function receiptOf(handle: unknown, queue: string): string {
  const [, receipt = '', check] = HANDLE.exec(String(handle)) ?? [];
  if (check !== undefined && check === checkOf(receipt, queue)) return receipt;
  throw new SqsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
}

/** A handle stays valid over a restart, therefore there is no key. */
function checkOf(receipt: string, queue: string): string {
  return createHash('sha256').update(`${queue} ${receipt}`).digest('base64url').slice(0, 22);
}
