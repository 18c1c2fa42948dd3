/**
 * fauxqs's queues as SQS has them: one set of queues, whose name is one queue whatever the region in a
 * request's signature or in an address, and one long poll woken for each message. Knows no request and no
 * disk.
 */
import type { BuildAppOptions } from 'fauxqs';

export type SqsStore = NonNullable<BuildAppOptions['stores']>['sqsStore'];

/**
 * Called before queues are loaded: fauxqs keeps queues apart by region, but makes a queue of another region's
 * name in the place of the first.
 */
export function keepOneSetOfQueues(store: SqsStore): void {
  const byName = (address: string) => store.getQueueByName(nameOf(address));
  Object.assign(store, {
    getQueue: byName,
    getQueueByArn: (arn: string) => store.getQueueByName(lastPart(arn, ':')),
  });
}

export interface QueuePage {
  readonly names: readonly string[];
  readonly nextToken: string | undefined;
}

/** @param most undefined for all of the first thousand, which then are the only page, as with SQS */
export function pageOfNames(
  store: SqsStore,
  { prefix, most, token }: { prefix: string; most: number | undefined; token: string | undefined },
): QueuePage {
  const after = token === undefined ? '' : Buffer.from(token, 'base64').toString();
  // Names are ASCII, so that code units are bytes.
  const rest = [...store.allQueues()]
    .map(({ name }) => name)
    .filter((name) => name.startsWith(prefix) && name > after)
    .sort((a, b) => (a < b ? -1 : 1));
  const names = rest.slice(0, most ?? 1000);
  const more = most !== undefined && names.length < rest.length;
  return {
    names,
    nextToken: more ? Buffer.from(names.at(-1) ?? '').toString('base64') : undefined,
  };
}

/** The name of the queue at an address. */
export function nameOf(address: string): string {
  return lastPart(address, '/');
}

function lastPart(text: string, separator: string): string {
  return text.split(separator).filter(Boolean).at(-1) ?? '';
}

type Stores = NonNullable<BuildAppOptions['stores']>;
export type Queue = NonNullable<ReturnType<Stores['sqsStore']['getQueue']>>;

/**
 * Called before queues are loaded or made: fauxqs 2.4.1 wakes all long polls that wait for a message, and those
 * that come too late answer empty and are sent again, so that each idle worker costs a call per message.
 */
export function wakeOnePollAMessage(store: Stores['sqsStore']): void {
  const createQueue = store.createQueue.bind(store);
  store.createQueue = (...of) => {
    const queue = createQueue(...of);
    if (!queue.isFifo()) wakeOne(queue);
    return queue;
  };
}

function wakeOne(queue: Queue): void {
  const dequeue = queue.dequeue.bind(queue);
  let isTaking = false;
  const wakeNext = (): void => {
    // The poll that was woken takes as many as it may: only what it leaves is for another.
    if (isTaking) return;
    const poll = queue.pollWaiters.shift();
    if (poll === undefined) return;
    isTaking = true;
    clearTimeout(poll.timer);
    poll.resolve();
  };
  Object.assign(queue, {
    notifyWaiters: wakeNext,
    dequeue(...asked: Parameters<Queue['dequeue']>) {
      isTaking = true;
      try {
        return dequeue(...asked);
      } finally {
        isTaking = false;
        if (queue.messages.length > 0) wakeNext();
      }
    },
  });
}
