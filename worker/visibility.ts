/** Keeps a message invisible to other workers while it is in hand, and gives it back. */
import type { Queue, ReceivedMessage } from '../cloud/queues.ts';
import type { Logger } from '../runtime/log.ts';

export interface Hold {
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
  const extend = async (): Promise<void> => {
    try {
      await queue.extend(message.receipt, visibilitySeconds);
    } catch (err) {
      // Half of the timeout is left for the next try; at worst another worker does it too.
      log.warn({ err }, 'the visibility timeout could not be extended');
    }
  };
  const timer = setInterval(
    () => {
      underWay = extend();
    },
    (visibilitySeconds * 1000) / 2,
  );
  return {
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
 * usual five deliveries that bears an outage of 80 s. After the last delivery there is nothing to wait
 * for: at 0, SQS moves it to the dead-letter queue at the next receive.
 */
export function retryDelaySeconds(deliveries: number, mostDeliveries: number): number {
  if (deliveries >= mostDeliveries) return 0;
  return Math.min(FIRST_DELAY_SECONDS * GROWTH ** (deliveries - 1), MOST_DELAY_SECONDS);
}
