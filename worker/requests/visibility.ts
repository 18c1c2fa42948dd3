/** Keeps a message invisible to other workers while this one works on it. */
import type { Queue, ReceivedMessage } from '../../cloud/aws/sqs/queues.ts';
import type { Logger } from '../../runtime/log.ts';

export interface Hold {
  /** Whether another worker may have the message: extending failed, or this process was paused. */
  readonly isLost: boolean;
  /** Stops extending; after it resolves no extension is under way that could undo a later change. */
  end(): Promise<void>;
}

/** Extends the visibility timeout each time half of it has passed, until the hold ends. */
export function holdMessage(
  queue: Queue,
  message: ReceivedMessage,
  visibilitySeconds: number,
  log: Logger,
): Hold {
  let underWay: Promise<void> = Promise.resolve();
  let heldUntil = performance.now() + visibilitySeconds * 1000;
  const extend = async (): Promise<void> => {
    const askedAt = performance.now();
    try {
      await queue.extend(message.receipt, visibilitySeconds);
      heldUntil = askedAt + visibilitySeconds * 1000;
    } catch (err) {
      // Half of the timeout is left for the next try; at worst another worker does it too.
      log.warn({ err }, 'Cannot extend the visibility timeout');
    }
  };
  const timer = setInterval(
    () => {
      // In a chain: a slow extension must not finish after the next one, nor after the end.
      underWay = underWay.then(extend);
    },
    (visibilitySeconds * 1000) / 2,
  );
  return {
    get isLost() {
      return performance.now() > heldUntil;
    },
    end() {
      clearInterval(timer);
      return underWay;
    },
  };
}

const FIRST_DELAY_SECONDS = 2;
const GROWTH = 3;
const MOST_DELAY_SECONDS = 60;

/**
 * Seconds until a request that failed for a passing reason is tried again: 2, 6, 18, 54, 60. With the
 * usual five deliveries that covers an outage of 80 s. After the last delivery there is nothing to wait
 * for: the next worker only has to give it up.
 */
export function retryDelaySeconds(deliveries: number, mostDeliveries: number): number {
  if (deliveries >= mostDeliveries) return 0;
  return Math.min(FIRST_DELAY_SECONDS * GROWTH ** (deliveries - 1), MOST_DELAY_SECONDS);
}
