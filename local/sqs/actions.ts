/**
 * SQS's actions where fauxqs is not as SQS: what is checked before it gets a request, and what is
 * answered in its place.
 */
import { z } from 'zod';
import { SqsError } from './errors.ts';
import { checkMessage, checkWhole, message, receiptOf } from './messages.ts';
import {
  checkFifo,
  checkQueueName,
  checkReadable,
  checkSettable,
  firstDifference,
} from './queue-attributes.ts';
import { pageOfNames, type Queue } from './queues.ts';
import { type Action, type Body, batch, noQueue, parse, queueOf } from './request.ts';

type QueueAttribute = Parameters<Queue['getAttribute']>[0];

const MOST_TAGS = 50;
const LONGEST_VISIBILITY = 43_200;
const attributes = z.record(z.string(), z.string());
const texts = z.array(z.string());
const PURGE_EVERY_MS = 60_000;

export const actions: Readonly<Record<string, Action>> = {
  CreateQueue(body, { store, urlOf }) {
    const { QueueName } = body;
    checkQueueName(QueueName);
    const asked = parse(attributes.default({}), body.Attributes, 'Attributes');
    checkSettable(asked, (arn) => store.getQueueByArn(arn) !== undefined);
    checkFifo(QueueName, asked);
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
    takeReceipt(body, queueOf(body, store));
    return undefined;
  },

  DeleteMessageBatch: batch(takeReceipt),

  ChangeMessageVisibility(body, { store }) {
    takeReceipt(body, queueOf(body, store));
    checkWhole('VisibilityTimeout', body.VisibilityTimeout, 0, LONGEST_VISIBILITY);
    return undefined;
  },

  ChangeMessageVisibilityBatch: batch((entry, queue) => {
    takeReceipt(entry, queue);
    checkWhole('VisibilityTimeout', entry.VisibilityTimeout, 0, LONGEST_VISIBILITY);
  }),

  PurgeQueue(body, { store, purges, now }) {
    const queue = queueOf(body, store);
    if (now - (purges.get(queue) ?? -Infinity) < PURGE_EVERY_MS) {
      const text = `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`;
      throw new SqsError('PurgeQueueInProgress', text);
    }
    purges.set(queue, now);
    return undefined;
  },

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

/** Puts fauxqs's receipt in the place of the handle that the client has. */
function takeReceipt(given: Body, { name }: Queue): void {
  if (given.ReceiptHandle === undefined || given.ReceiptHandle === '') {
    throw new SqsError('MissingParameter', 'The request must contain the parameter ReceiptHandle.');
  }
  given.ReceiptHandle = receiptOf(given.ReceiptHandle, name);
}
