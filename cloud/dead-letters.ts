/**
 * The dead-letter queue: requests that were given up, each with the reason beside it. Knows no worker;
 * letters that SQS moved by itself have no reason.
 */
import { decodeRequest, MessageError, type RequestMessage } from './messages.ts';
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
  readonly request: RequestMessage | undefined;
  readonly body: string;
  readonly reason: string;
  /** Undefined when SQS itself moved it here. */
  readonly deliveries: number | undefined;
  readonly worker: string | undefined;
  /** When it became one (ms since 1970); when it was first sent, if SQS itself moved it. */
  readonly at: number;
  readonly receipt: string;
}

export interface DeadLetters {
  bury(body: string, verdict: Verdict): Promise<void>;
  /**
   * Every letter that nobody else is looking at, oldest first. They are away from others until they are
   * put back or `LOOK_SECONDS` have passed: SQS lets nobody look without taking.
   */
  take(): Promise<DeadLetter[]>;
  putBack(letter: DeadLetter): Promise<void>;
  delete(letter: DeadLetter): Promise<void>;
}

const LOOK_SECONDS = 120;
/** A queue answers with fewer messages than it has; this many empty answers in a row mean it is empty. */
const EMPTY_ANSWERS = 3;
const MOST_REASON_LETTERS = 1000;
const MOVED_BY_SQS =
  'SQS moved it here after its last delivery: no worker lived to say why, or none could write it down.';

export function openDeadLetters(queue: Queue): DeadLetters {
  return {
    bury: (body, { reason, deliveries, worker }) =>
      queue.send(body, {
        reason: printable(reason),
        deliveries: String(deliveries),
        worker: printable(worker),
        at: String(Date.now()),
      }),
    async take() {
      const letters: DeadLetter[] = [];
      for (let empty = 0; empty < EMPTY_ANSWERS; ) {
        const messages = await queue.receive({
          most: 10,
          waitSeconds: 0,
          visibilitySeconds: LOOK_SECONDS,
        });
        empty = messages.length === 0 ? empty + 1 : 0;
        letters.push(...messages.map(deadLetter));
      }
      return letters.sort((a, b) => a.at - b.at);
    },
    putBack: ({ receipt }) => queue.extend(receipt, 0),
    delete: ({ receipt }) => queue.delete(receipt),
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
  };
}

function readable(body: string): RequestMessage | undefined {
  try {
    return decodeRequest(body);
  } catch (error) {
    if (error instanceof MessageError) return undefined;
    throw error;
  }
}

/** SQS refuses most control letters, and a text that is empty. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cs}/gu, ' ').slice(0, MOST_REASON_LETTERS) || '-';
}
