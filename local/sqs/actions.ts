/**
 * SQS's actions where fauxqs is not as SQS: what is checked before it gets a request, and what is
 * answered in its place.
 */
import { z } from 'zod';
import { SqsError } from './errors.ts';
import { checkMessage, checkWhole, message } from './messages.ts';
import {
  checkQueueName,
  checkReadable,
  checkSettable,
  firstDifference,
} from './queue-attributes.ts';
import { pageOfNames, type SqsStore } from './queue-set.ts';

export type Body = Record<string, unknown>;
export interface Failure {
  readonly Id: string;
  readonly SenderFault: true;
  readonly Code: string;
  readonly Message: string;
}
/** The whole answer; undefined leaves it to fauxqs. */
export type Reply = Readonly<Record<string, unknown>> | undefined;

type QueueAttribute = Parameters<ReturnType<typeof queueOf>['getAttribute']>[0];

interface Context {
  readonly store: SqsStore;
  /** Address of a queue, as the client reaches this endpoint. */
  readonly urlOf: (name: string) => string;
  /** Takes an entry out of a batch that goes to fauxqs. */
  readonly fail: (failure: Failure) => void;
}

type Action = (body: Body, context: Context) => Reply;

const MOST_TAGS = 50;
const LONGEST_VISIBILITY = 43_200;
const attributes = z.record(z.string(), z.string());
const texts = z.array(z.string());
const entries = z.array(z.looseObject({ Id: z.string() }));
type Entry = z.output<typeof entries>[number];
const ENTRY_ID = /^[\w-]{1,80}$/;
/** fauxqs gives random UUIDs; deleting one twice is no error, as with SQS. */
const RECEIPT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const actions: Readonly<Record<string, Action>> = {
  CreateQueue(body, { store, urlOf }) {
    const { QueueName } = body;
    checkQueueName(QueueName);
    const asked = parse(attributes.default({}), body.Attributes, 'Attributes');
    checkSettable(asked, (arn) => store.getQueueByArn(arn) !== undefined);
    const existing = store.getQueueByName(QueueName);
    if (existing === undefined) return undefined;
    const other = firstDifference(asked, (name) => existing.getAttribute(name as QueueAttribute));
    if (other === undefined) return { QueueUrl: urlOf(QueueName) };
    throw new SqsError(
      'QueueNameExists',
      `A queue already exists with the same name and a different value for attribute ${other}`,
    );
  },

  GetQueueUrl(body, { store, urlOf }) {
    const { QueueName } = body;
    checkQueueName(QueueName);
    if (store.getQueueByName(QueueName) === undefined) throw noQueue();
    return { QueueUrl: urlOf(QueueName) };
  },

  ListQueues(body, { store, urlOf }) {
    const { MaxResults, QueueNamePrefix, NextToken } = body;
    if (MaxResults !== undefined) checkWhole('MaxResults', MaxResults, 1, 1000);
    const { names, nextToken } = pageOfNames(store, {
      prefix: String(QueueNamePrefix ?? ''),
      most: MaxResults as number | undefined,
      token: NextToken === undefined ? undefined : String(NextToken),
    });
    return { QueueUrls: names.map(urlOf), ...(nextToken && { NextToken: nextToken }) };
  },

  ListDeadLetterSourceQueues(body, { store, urlOf }) {
    const { arn } = queueOf(body, store);
    const sources = [...store.allQueues()].filter(({ attributes: { RedrivePolicy } }) =>
      RedrivePolicy?.includes(JSON.stringify(arn)),
    );
    return { queueUrls: sources.map(({ name }) => urlOf(name)) };
  },

  GetQueueAttributes(body, { store }) {
    queueOf(body, store);
    body.AttributeNames = parse(texts.default([]), body.AttributeNames, 'AttributeNames');
    checkReadable(body.AttributeNames as string[]);
    return undefined;
  },

  SetQueueAttributes(body, { store }) {
    queueOf(body, store);
    const asked = parse(attributes, body.Attributes, 'Attributes');
    checkSettable(asked, (arn) => store.getQueueByArn(arn) !== undefined);
    return undefined;
  },

  TagQueue(body, { store }) {
    const { tags } = queueOf(body, store);
    const asked = parse(attributes, body.Tags, 'Tags');
    if (new Set([...tags.keys(), ...Object.keys(asked)]).size > MOST_TAGS) {
      throw new SqsError(
        'InvalidParameterValue',
        `Too many tags added for queue: at most ${MOST_TAGS}.`,
      );
    }
    return undefined;
  },

  SendMessage(body, { store }) {
    queueOf(body, store);
    checkMessage(parse(message, body, 'MessageAttributes'));
    return undefined;
  },

  SendMessageBatch: batch((entry) => checkMessage(parse(message, entry, 'MessageAttributes'))),

  DeleteMessage(body, { store }) {
    queueOf(body, store);
    checkReceipt(body.ReceiptHandle);
    return undefined;
  },

  DeleteMessageBatch: batch(({ ReceiptHandle }) => checkReceipt(ReceiptHandle)),

  ChangeMessageVisibility(body, { store }) {
    queueOf(body, store);
    checkReceipt(body.ReceiptHandle);
    checkWhole('VisibilityTimeout', body.VisibilityTimeout, 0, LONGEST_VISIBILITY);
    return undefined;
  },

  ChangeMessageVisibilityBatch: batch(({ ReceiptHandle, VisibilityTimeout }) => {
    checkReceipt(ReceiptHandle);
    checkWhole('VisibilityTimeout', VisibilityTimeout, 0, LONGEST_VISIBILITY);
  }),

  ReceiveMessage({ MaxNumberOfMessages, VisibilityTimeout, WaitTimeSeconds }) {
    if (MaxNumberOfMessages !== undefined) {
      checkWhole('MaxNumberOfMessages', MaxNumberOfMessages, 1, 10);
    }
    if (VisibilityTimeout !== undefined) {
      checkWhole('VisibilityTimeout', VisibilityTimeout, 0, LONGEST_VISIBILITY);
    }
    if (WaitTimeSeconds !== undefined) checkWhole('WaitTimeSeconds', WaitTimeSeconds, 0, 20);
    return undefined;
  },

  ...Object.fromEntries(
    [
      'AddPermission',
      'RemovePermission',
      'StartMessageMoveTask',
      'CancelMessageMoveTask',
      'ListMessageMoveTasks',
    ].map((name): [string, Action] => [
      name,
      () => {
        const text = `The operation ${name} is not implemented by the local cloud.`;
        throw new SqsError('UnsupportedOperation', text);
      },
    ]),
  ),
};

/** Entries that are refused fail alone; the others go on. */
function batch(check: (entry: Entry) => void): Action {
  return (body, { store, fail }) => {
    queueOf(body, store);
    const all = parse(entries.default([]), body.Entries, 'Entries');
    checkEntries(all);
    const failures: Failure[] = [];
    const good = all.filter((entry) => {
      try {
        check(entry);
        return true;
      } catch (error) {
        if (!(error instanceof SqsError)) throw error;
        const { sqsCode: Code, message: Message } = error;
        failures.push({ Id: entry.Id, SenderFault: true, Code, Message });
        return false;
      }
    });
    if (good.length === 0) return { Successful: [], Failed: failures };
    failures.forEach(fail);
    body.Entries = good;
    return undefined;
  };
}

function checkEntries(all: readonly Entry[]): void {
  if (all.length === 0) {
    throw new SqsError('EmptyBatchRequest', "The batch request doesn't contain any entries.");
  }
  if (all.length > 10) {
    const text = `Maximum number of entries per request are 10. You have sent ${all.length}.`;
    throw new SqsError('TooManyEntriesInBatchRequest', text);
  }
  if (all.some(({ Id }) => !ENTRY_ID.test(Id))) {
    throw new SqsError(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
    );
  }
  if (new Set(all.map(({ Id }) => Id)).size < all.length) {
    const text = 'Two or more batch entries in the request have the same Id.';
    throw new SqsError('BatchEntryIdsNotDistinct', text);
  }
}

function checkReceipt(receipt: unknown): void {
  if (typeof receipt === 'string' && RECEIPT.test(receipt)) return;
  throw new SqsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
}

function queueOf({ QueueUrl }: Body, store: SqsStore) {
  if (typeof QueueUrl !== 'string' || QueueUrl === '') {
    throw new SqsError('MissingParameter', 'The request must contain the parameter QueueUrl.');
  }
  const queue = store.getQueue(QueueUrl);
  if (queue === undefined) throw noQueue();
  return queue;
}

function noQueue(): SqsError {
  return new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
}

function parse<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new SqsError('InvalidParameterValue', `The parameter ${name} is not valid.`, {
    cause: error,
  });
}
