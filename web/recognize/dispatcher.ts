/**
 * Receives replies from the queue and passes each to its waiter: on this node, or over the relay on
 * another. A reply whose request has timed out is dropped; its result stays in the out-bucket.
 */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { Queue, ReceivedMessage } from '../../cloud/aws/sqs/queues.ts';
import { KEPT, type ReplyMessage } from '../../cloud/contract/messages.ts';
import type { Relay } from '../../cloud/redis/relay.ts';
import type { Logger } from '../../runtime/log.ts';
import { decoded, type MissedReplies } from './missed-replies.ts';
import type { Waiters } from './waiters.ts';

/** Short, because a stop waits for open polls: one that was aborted could lose a message. */
const POLL_SECONDS = 2;
/** Concurrent polls: one receives replies while those of the other are handled. */
const LOOPS = 2;
/** A reply that its node did not hear becomes visible again after this time, perhaps to that node. */
const PASS_AGAIN_SECONDS = 2;
const MOST_PASS_AGAIN_SECONDS = 30;
/** A reply that Redis stores leaves the queue after half a minute: its node may be gone for good. */
const MOST_UNHEARD_PASSES = 5;
/** Minimum time that a reply is stored in Redis for its node, in case clocks differ. */
const LEAST_KEPT_MS = 30_000;
/** A reply that was passed on is deleted with others: delivered again, it finds no waiter. */
const DELETE_WITHIN_MS = 200;
/** Pause after a failed poll. */
const PAUSE_AFTER_FAILURE_MS = 500;

export interface DispatcherParts {
  readonly node: string;
  readonly replies: Queue;
  readonly relay: Relay;
  readonly waiters: Waiters;
  readonly missed: Pick<MissedReplies, 'answer'>;
  /** How long a client waits for its answer, in ms. */
  readonly requestMs: number;
  /** Called with each reply to this node, even if its client has disconnected. */
  readonly onReply?: (reply: ReplyMessage) => void;
  /** Stores a reply whose client asks for the result later. */
  readonly keep: (reply: ReplyMessage) => Promise<void>;
  readonly log: Logger;
}

export interface Dispatcher {
  /** Why replies do not arrive; undefined if they do. */
  readonly trouble: string | undefined;
  /** What makes replies slower; undefined in normal operation. */
  readonly degraded: string | undefined;
  /** Waits for the open polls, and handles their messages. */
  stop(): Promise<void>;
}

export function startDispatcher(parts: DispatcherParts): Dispatcher {
  const { node, relay, waiters, log } = parts;
  let stopping = false;
  let reachesQueue = true;
  let everHeard = false;
  const onReply = (reply: ReplyMessage): void => parts.onReply?.(reply);
  const onRelayed = (body: string): void => {
    const reply = decoded(body, log);
    if (reply === undefined) return;
    onReply(reply);
    if (!waiters.answer(reply)) log.debug({ request: reply.id }, 'Relayed reply: no waiter');
  };
  const onHearing = (): void => {
    everHeard = true;
    void parts.missed.answer(waiters, onReply);
  };
  relay.listen(node, onRelayed, onHearing).catch((err: unknown) => {
    if (!stopping) log.error({ err }, 'Replies from other web nodes cannot be heard');
  });

  const deleting = new Set<Promise<void>>();
  /** The next replies do not wait for it. It begins when the client has had time to get its answer. */
  const deleteLater = (receipt: string): void => {
    const deleted = turn()
      .then(() => parts.replies.delete(receipt, DELETE_WITHIN_MS))
      .catch((err: unknown) => log.warn({ err }, 'Reply not deleted: it will be delivered again'))
      .then(() => void deleting.delete(deleted));
    deleting.add(deleted);
  };
  const handle = async (message: ReceivedMessage): Promise<void> => {
    if (await handOut(message, parts)) deleteLater(message.receipt);
  };

  const loop = async (): Promise<void> => {
    while (!stopping) {
      try {
        const messages = await parts.replies.receive({ most: 10, waitSeconds: POLL_SECONDS });
        reachesQueue = true;
        await Promise.all(messages.map(handle));
      } catch (err) {
        if (reachesQueue) log.error({ err }, 'Cannot read the reply queue; retrying.');
        reachesQueue = false;
        if (!stopping) await delay(PAUSE_AFTER_FAILURE_MS);
      }
    }
  };
  const loops = Array.from({ length: LOOPS }, loop);
  return {
    get trouble() {
      if (!reachesQueue) return 'the reply queue cannot be reached';
      return everHeard ? undefined : 'Redis has not been reached yet';
    },
    get degraded() {
      return relay.isHearing ? undefined : 'replies from other web nodes are not heard';
    },
    async stop() {
      stopping = true;
      await Promise.all(loops);
      await Promise.all(deleting);
      relay.close();
    },
  };
}

/** @returns whether its work is done, so that it is to be deleted */
async function handOut(message: ReceivedMessage, parts: DispatcherParts): Promise<boolean> {
  const { node, waiters, log } = parts;
  const reply = decoded(message.body, log);
  if (reply?.node === KEPT) {
    try {
      await parts.keep(reply);
      parts.onReply?.(reply);
    } catch (err) {
      log.warn({ err, request: reply.id }, 'Reply not stored: it will be delivered again');
      return false;
    }
  } else if (reply?.node === node) {
    parts.onReply?.(reply);
    if (!waiters.answer(reply))
      log.info({ request: reply.id }, 'Reply: the client has disconnected');
  } else if (reply) {
    const leftMs = (reply.sentAt ?? Date.now()) + parts.requestMs - Date.now();
    // Clocks may differ: a reply is dropped for its age only after it could not be passed on once.
    const isOver = leftMs <= 0 && message.deliveries > 1;
    const keptMs = Math.min(Math.max(leftMs, LEAST_KEPT_MS), parts.requestMs);
    return isOver || pass(reply, message, { leftMs, keptMs }, parts);
  }
  return true;
}

/**
 * A reply that its node did not hear stays in the queue, too: Redis may lose what it stores in a failover.
 *
 * @returns whether the reply may leave the queue
 */
async function pass(
  { id, node }: ReplyMessage,
  { body, deliveries, receipt }: ReceivedMessage,
  { leftMs, keptMs }: { leftMs: number; keptMs: number },
  { relay, replies, log }: DispatcherParts,
): Promise<boolean> {
  const again = deliveries > 1;
  try {
    const heard = await relay.pass({ id, node, body, again }, keptMs);
    if (heard || deliveries >= MOST_UNHEARD_PASSES) return true;
    log.debug({ request: id, node }, 'Reply not heard: it is passed on again later');
  } catch (err) {
    log.debug({ err, request: id }, 'Reply for another node could not be passed on');
  }
  const seconds = Math.min(PASS_AGAIN_SECONDS * deliveries, MOST_PASS_AGAIN_SECONDS, leftMs / 1000);
  await replies.extend(receipt, Math.max(Math.ceil(seconds), 1));
  return false;
}
