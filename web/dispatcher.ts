/**
 * Drains the reply queue and brings each reply to its waiter: on this node, or on another one over the
 * relay. A reply nobody waits for any more is dropped; its answer stays in the out-bucket.
 */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { decodeReply, KEPT, MessageError, type ReplyMessage } from '../cloud/messages.ts';
import type { Queue, ReceivedMessage } from '../cloud/queues.ts';
import type { Relay } from '../cloud/relay.ts';
import type { Logger } from '../runtime/log.ts';
import type { Waiters } from './waiters.ts';

/** Short, since an open poll is never cut off (it may hold a message) and a stop waits for it. */
const POLL_SECONDS = 2;
/** Polls open at once: while one's replies are handed out, the next ones are already coming. */
const LOOPS = 2;
/**
 * A node that does not listen may only have lost its Redis for a moment: its reply comes again after so
 * many seconds, and is dropped when so many deliveries found nobody.
 */
const HEAR_AGAIN_SECONDS = 2;
const MOST_DELIVERIES = 3;
/** Before the next poll after one that failed: the queue may be away for a while. */
const PAUSE_AFTER_FAILURE_MS = 500;

export interface DispatcherParts {
  readonly node: string;
  readonly replies: Queue;
  readonly relay: Relay;
  readonly waiters: Waiters;
  /** Told of each reply to this node, whether somebody still waits for it or not. */
  readonly onReply?: (reply: ReplyMessage) => void;
  /** Keeps a reply that nobody waits for on a connection. */
  readonly keep: (reply: ReplyMessage) => Promise<void>;
  readonly log: Logger;
}

export interface Dispatcher {
  /** What keeps replies from coming, in words; undefined when all is well. */
  readonly trouble: string | undefined;
  /** Lets the open polls end, hands out what they bring, and resolves. */
  stop(): Promise<void>;
}

export function startDispatcher(parts: DispatcherParts): Dispatcher {
  const { node, relay, waiters, log } = parts;
  let stopping = false;
  let reachesQueue = true;
  let listens = false;
  const listening = relay.listen(node, (body) => {
    const reply = decoded(body, log);
    if (reply) parts.onReply?.(reply);
    if (reply && !waiters.answer(reply))
      log.debug({ request: reply.id }, 'relayed reply: no waiter');
  });
  listening.then(
    () => {
      listens = true;
    },
    (err: unknown) => {
      if (!stopping) log.error({ err }, 'replies from other web nodes cannot be heard');
    },
  );

  const loop = async (): Promise<void> => {
    while (!stopping) {
      try {
        const messages = await parts.replies.receive({ most: 10, waitSeconds: POLL_SECONDS });
        reachesQueue = true;
        await Promise.all(messages.map((message) => handOut(message, parts)));
      } catch (err) {
        if (reachesQueue) log.error({ err }, 'the reply queue cannot be read; trying on');
        reachesQueue = false;
        if (!stopping) await delay(PAUSE_AFTER_FAILURE_MS);
      }
    }
  };
  const loops = Array.from({ length: LOOPS }, loop);
  return {
    get trouble() {
      if (!reachesQueue) return 'the reply queue cannot be reached';
      return listens ? undefined : 'Redis has not been reached yet';
    },
    async stop() {
      stopping = true;
      await Promise.all(loops);
      relay.close();
    },
  };
}

async function handOut(message: ReceivedMessage, parts: DispatcherParts): Promise<void> {
  const { node, relay, waiters, log } = parts;
  const reply = decoded(message.body, log);
  if (reply?.node === KEPT) {
    try {
      await parts.keep(reply);
      parts.onReply?.(reply);
    } catch (err) {
      log.warn({ err, request: reply.id }, 'reply not kept: it comes again');
      return;
    }
  } else if (reply?.node === node) {
    parts.onReply?.(reply);
    if (!waiters.answer(reply)) log.info({ request: reply.id }, 'reply: the client has left');
    // The client has its answer before this node begins the call that deletes the reply.
    await turn();
  } else if (reply) {
    try {
      const heard = await relay.pass(reply.node, message.body);
      if (!heard && message.deliveries < MOST_DELIVERIES) {
        await parts.replies.extend(message.receipt, HEAR_AGAIN_SECONDS);
        return;
      }
      if (!heard) log.info({ request: reply.id, node: reply.node }, 'reply: its web node is gone');
    } catch (err) {
      // Not deleted: the queue brings it again when its visibility ends, and Redis may be back.
      log.warn({ err, request: reply.id }, 'reply for another node could not be passed on');
      return;
    }
  }
  await parts.replies.delete(message.receipt);
}

function decoded(body: string, log: Logger): ReplyMessage | undefined {
  try {
    return decodeReply(body);
  } catch (err) {
    if (!(err instanceof MessageError)) throw err;
    log.error({ err }, 'a reply that nobody can read was dropped');
    return undefined;
  }
}
