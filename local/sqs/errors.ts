/** The errors that SQS answers with, in its JSON protocol and in the older one's words. */
import { ElasticFaceError } from '../../runtime/errors.ts';

/** A refused SQS request; `sqsCode` is what clients branch on, e.g. `ReceiptHandleIsInvalid`. */
export class SqsError extends ElasticFaceError {
  readonly sqsCode: string;

  constructor(sqsCode: string, message: string, options?: ErrorOptions) {
    super('sqs', message, options);
    this.sqsCode = sqsCode;
  }
}

/** Codes that the Query protocol, which clients such as boto3 still show, wrote with a prefix. */
const PREFIXED = new Set([
  'BatchEntryIdsNotDistinct',
  'BatchRequestTooLong',
  'EmptyBatchRequest',
  'InvalidBatchEntryId',
  'MessageNotInflight',
  'NonExistentQueue',
  'PurgeQueueInProgress',
  'QueueDeletedRecently',
  'TooManyEntriesInBatchRequest',
  'UnsupportedOperation',
]);
const PREFIX = 'AWS.SimpleQueueService.';
const RENAMED: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
};

/** The header `x-amzn-query-error` for a code, with a prefix or without. */
export function queryError(code: string, fault = 'Sender'): string {
  const plain = code.startsWith(PREFIX) ? code.slice(PREFIX.length) : code;
  const name = RENAMED[plain] ?? plain;
  return `${PREFIXED.has(name) ? PREFIX : ''}${name};${fault}`;
}

export function invalidValue(message: string): SqsError {
  return new SqsError('InvalidParameterValue', message);
}

export function outOfRange(name: string, value: unknown, low: number, high: number): SqsError {
  return invalidValue(
    `Value ${String(value).slice(0, 40)} for parameter ${name} is invalid. Reason: Must be between ${low} and ${high}, if provided.`,
  );
}
