/**
 * One SQS request as its action sees it, how its parts are read, and how the entries of a batch are checked
 * one by one.
 */
import { z } from 'zod';
import { SqsError } from './errors.ts';
import type { Queue, SqsStore } from './queues.ts';

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

const entries = z.array(z.looseObject({ Id: z.string() }));
type Entry = z.output<typeof entries>[number];
const ENTRY_ID = /^[\w-]{1,80}$/;

/** Entries that are refused fail alone; the others go on. */
export function batch(check: (entry: Entry, queue: Queue) => void): Action {
  return (body, { store, fail }) => {
    const queue = queueOf(body, store);
    const all = parse(entries.default([]), body.Entries, 'Entries');
    checkEntries(all);
    const failures: Failure[] = [];
    const good = all.filter((entry) => {
      try {
        check(entry, queue);
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
