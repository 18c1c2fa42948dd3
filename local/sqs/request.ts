/** One SQS request as its action sees it, and how its parts are read. */
import type { z } from 'zod';
import { SqsError } from './errors.ts';
import type { SqsStore } from './queue-set.ts';
import type { Queue } from './single-poll.ts';

export type Body = Record<string, unknown>;
export interface Failure {
  readonly Id: string;
  readonly SenderFault: true;
  readonly Code: string;
  readonly Message: string;
}
/** The whole answer; undefined leaves it to fauxqs. */
export type Reply = Readonly<Record<string, unknown>> | undefined;

export interface Context {
  readonly store: SqsStore;
  /** Address of a queue, as the client reaches this endpoint. */
  readonly urlOf: (name: string) => string;
  /** Takes an entry out of a batch that goes to fauxqs. */
  readonly fail: (failure: Failure) => void;
  /** When each queue was purged last, in ms. */
  readonly purges: WeakMap<object, number>;
  readonly now: number;
}

export type Action = (body: Body, context: Context) => Reply;

export function queueOf({ QueueUrl }: Body, store: SqsStore): Queue {
  if (typeof QueueUrl !== 'string' || QueueUrl === '') {
    throw new SqsError('MissingParameter', 'The request must contain the parameter QueueUrl.');
  }
  const queue = store.getQueue(QueueUrl);
  if (queue === undefined) throw noQueue();
  return queue;
}

export function noQueue(): SqsError {
  return new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
}

export function parse<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new SqsError('InvalidParameterValue', `The parameter ${name} is not valid.`, {
    cause: error,
  });
}
