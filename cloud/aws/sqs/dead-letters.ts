/**
 * The dead-letter queue: requests that were given up, each with the reason beside it. Knows no worker;
 * letters that SQS moved by itself have no reason.
 */
import { MessageError } from '../../contract/messages.ts';
import { decodeQueued, type QueuedRequest } from '../../contract/queued.ts';
import type { Queue, ReceivedMessage } from './queues.ts';

/** Why and where a request was given up. */
export interface Verdict {
  readonly reason: string;
  readonly deliveries: number;
  /** The instance that gave it up. */
  readonly worker: string;
}

export interface DeadLetter {
  /** The request's id; the message's own where it cannot be read. */
  readonly id: string;
  readonly request: QueuedRequest | undefined;
  readonly body: string;
  readonly reason: string;
  /** Undefined when SQS itself moved it here. */
  readonly deliveries: number | undefined;
  readonly worker: string | undefined;
  /** When it became one (ms since 1970); when it was first sent, if SQS itself moved it. */
  readonly at: number;
  readonly receipt: string;
  /** Of the letter itself: a request that was given up twice has two letters. */
  readonly messageId: string;
}

export interface DeadLetters {
  bury(body: string, verdict: Verdict): Promise<void>;
  /**
   * The letters there are now, each once, a page of up to ten at a time. SQS hides a message from others
   * while somebody looks at it: a letter stays hidden until it is deleted or the loop over the pages ends,
   * however long that takes. Should this process die, it is back after `LOOK_SECONDS`.
   */
  pages(): AsyncGenerator<DeadLetter[]>;
  /** All pages together: for a queue of few letters. */
  all(): Promise<DeadLetter[]>;
  delete(letter: DeadLetter): Promise<void>;
}

/** SQS's most in one answer. */
const LETTERS_A_PAGE = 10;
const LOOK_SECONDS = 300;
/** A queue answers with fewer messages than it has; this many empty answers in a row mean it is empty. */
const EMPTY_ANSWERS = 3;
const MOST_REASON_LETTERS = 1000;
const MOVED_BY_SQS =
  'SQS moved it here after its last delivery: no worker lived to say why, or none could write it down.';

export function openDeadLetters(queue: Queue): DeadLetters {
  /** Receipts of the letters that are hidden from others, by message id. */
  const hidden = new Map<string, string>();
  const hideFor = async (seconds: number): Promise<void> => {
    // One that fails is back when its time is over.
    await Promise.allSettled([...hidden.values()].map((receipt) => queue.extend(receipt, seconds)));
  };

  async function* pages(): AsyncGenerator<DeadLetter[]> {
    const startedAt = Date.now();
    const seen = new Set<string>();
    let hiding: Promise<void> = Promise.resolve();
    const timer = setInterval(
      () => {
        hiding = hiding.then(() => hideFor(LOOK_SECONDS));
      },
      (LOOK_SECONDS * 1000) / 3,
    );
    try {
      for (let empty = 0; empty < EMPTY_ANSWERS; ) {
        const messages = await queue.receive({
          most: LETTERS_A_PAGE,
          waitSeconds: 0,
          visibilitySeconds: LOOK_SECONDS,
        });
        empty = messages.length === 0 ? empty + 1 : 0;
        for (const { messageId, receipt } of messages) hidden.set(messageId, receipt);
        // SQS may deliver a message twice.
        const page = messages.filter(({ messageId }) => !seen.has(messageId)).map(deadLetter);
        for (const { messageId } of page) seen.add(messageId);
        // What was given up meanwhile, perhaps after it was sent again from here, is for the next look.
        const old = page.filter(({ at }) => at <= startedAt);
        if (old.length > 0) yield old;
        else if (page.length > 0) return;
      }
    } finally {
      clearInterval(timer);
      await hiding;
      await hideFor(0);
      hidden.clear();
    }
  }

  return {
    bury: (body, { reason, deliveries, worker }) =>
      queue.send(body, {
        reason: printable(reason),
        deliveries: String(deliveries),
        worker: printable(worker),
        at: String(Date.now()),
      }),
    pages,
    async all() {
      return (await Array.fromAsync(pages())).flat().sort((a, b) => a.at - b.at);
    },
    async delete({ messageId, receipt }) {
      await queue.delete(receipt);
      hidden.delete(messageId);
    },
  };
}

function deadLetter({ messageId, body, receipt, sentAt, attributes }: ReceivedMessage): DeadLetter {
  const { reason, deliveries, worker, at } = attributes;
  const request = readable(body);
  return {
    id: request?.id ?? messageId,
    request,
    body,
    reason: reason ?? MOVED_BY_SQS,
    deliveries: deliveries === undefined ? undefined : Number(deliveries),
    worker,
    at: at === undefined ? sentAt : Number(at),
    receipt,
    messageId,
  };
}

function readable(body: string): QueuedRequest | undefined {
  try {
    return decodeQueued(body);
  } catch (error) {
    if (error instanceof MessageError) return undefined;
    throw error;
  }
}

/** SQS refuses most control letters, and a text that is empty. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cs}/gu, ' ').slice(0, MOST_REASON_LETTERS) || '-';
}
