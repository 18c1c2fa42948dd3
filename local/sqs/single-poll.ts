/**
 * One message, one poll: SQS hands a message to one of the long polls that wait and leaves the others
 * waiting. fauxqs 2.4.1 wakes all, and those that come too late answer empty and are sent anew: with
 * each idle worker, each message cost a call more. Knows no request and no disk.
 */
import type { BuildAppOptions } from 'fauxqs';

type Stores = NonNullable<BuildAppOptions['stores']>;
export type Queue = NonNullable<ReturnType<Stores['sqsStore']['getQueue']>>;

/** Called before queues are loaded or made. */
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
    // Who was woken takes as many as it may: only what it leaves is for another.
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
