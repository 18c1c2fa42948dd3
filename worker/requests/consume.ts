/**
 * The receive loop: takes as many requests as it has capacity for, hides them from other workers while
 * it works on them, and deletes them when answered or gives them back. Knows no model and no bucket.
 */
import { once } from 'node:events';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { isPermanentRefusal } from '../../cloud/aws/service-outage.ts';
import type { Queue, ReceivedMessage } from '../../cloud/aws/sqs/queues.ts';
import { MessageError, outcomeName } from '../../cloud/contract/messages.ts';
import { decodeQueued, type QueuedRequest } from '../../cloud/contract/queued.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { NO_SPAN, type Tracing } from '../../runtime/tracing/tracing.ts';
import type { Activity } from '../activity.ts';
import { HoldLost, InferenceStopped } from '../errors.ts';
import { nextServiceMs, receivable } from './capacity.ts';
import { type Answered, type Delivery, wholeMs } from './delivery.ts';
import { traceSteps } from './trace-steps.ts';
import { type Hold, holdMessage, retryDelaySeconds } from './visibility.ts';

/** Short, since an open poll is never aborted (it may return a message) and a drain waits for it. */
const POLL_SECONDS = 2;
/** An answered message is deleted with others. A worker that dies meanwhile only has it answered twice. */
const DELETE_WITHIN_MS = 200;
/** Before the next poll after one that failed: the queue may be away for a while. */
const PAUSE_AFTER_FAILURE_MS = 500;

export interface ConsumerParts {
  readonly requests: Queue;
  readonly activity: Activity;
  /** Whether photos can be computed now; nothing is taken while they cannot. */
  readonly inference: { readonly isReady: boolean; ready(): Promise<unknown> };
  /** Nothing is taken while a service that answers need is unreachable. */
  readonly outages: { readonly away: readonly string[]; allBack(): Promise<void> };
  /** Puts a request whose client has disconnected behind the others; resolves with whether it did. */
  readonly postpone?: (message: ReceivedMessage, request: QueuedRequest) => Promise<boolean>;
  /**
   * Everything but deleting; rejects for a temporary reason. Undefined where the request is postponed: then
   * nothing was done but reading.
   */
  readonly answer: (
    request: QueuedRequest,
    delivery: Delivery,
    log: Logger,
  ) => Promise<Answered | undefined>;
  /** Makes it a dead letter and sends its client the failure; rejects when the letter is not written. */
  readonly giveUp: (
    message: ReceivedMessage,
    request: QueuedRequest | undefined,
    reason: string,
    permanent: boolean,
  ) => Promise<void>;
  readonly visibilitySeconds: number;
  /** Deliveries after which a request is given up. */
  readonly mostDeliveries: number;
  readonly tracing: Tracing;
  readonly log: Logger;
}

export class Consumer {
  readonly #parts: ConsumerParts;
  readonly #draining = new AbortController();
  readonly #inHand = new Set<Promise<void>>();
  /** Answered messages whose deletion is under way. */
  readonly #deleting = new Set<Promise<void>>();
  #serviceMs: number | undefined;
  #ended: Promise<void> | undefined;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
  }

  /** Takes requests until it is drained; does nothing more when called again. */
  start(): void {
    this.#ended ??= this.#receive();
  }

  /**
   * Receives no more, lets the open poll end, finishes what it brought and what is in hand. Resolves
   * when nothing is left; may be called more than once.
   */
  async drain(): Promise<void> {
    this.#draining.abort();
    await this.#ended;
    await Promise.all(this.#inHand);
    await Promise.all(this.#deleting);
  }

  async #receive(): Promise<void> {
    const { requests, activity, inference, outages, log } = this.#parts;
    const { signal } = this.#draining;
    const visibilitySeconds = Math.ceil(this.#parts.visibilitySeconds);
    let reachesQueue = true;
    while (!signal.aborted) {
      if (!inference.isReady) {
        // Rejects when no model can run here, which the service learns by itself.
        await Promise.race([inference.ready(), once(signal, 'abort')]).catch(() =>
          this.#draining.abort(),
        );
        continue;
      }
      if (outages.away.length > 0) {
        await Promise.race([outages.allBack(), once(signal, 'abort')]);
        continue;
      }
      const most = receivable(activity.inHand, this.#serviceMs);
      if (most === 0) {
        await Promise.race([...this.#inHand]);
        continue;
      }
      try {
        const messages = await requests.receive({
          most,
          waitSeconds: POLL_SECONDS,
          visibilitySeconds,
        });
        reachesQueue = true;
        for (const message of messages) this.#take(message);
        // Photos are fetched before the next poll is prepared: they are urgent, the poll is not.
        await turn();
      } catch (err) {
        if (reachesQueue) log.error({ err }, 'Cannot read the request queue; retrying.');
        reachesQueue = false;
        await delay(PAUSE_AFTER_FAILURE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  #take(message: ReceivedMessage): void {
    const { activity } = this.#parts;
    activity.take();
    const handled = this.#handle(message).then((finished) => {
      this.#inHand.delete(handled);
      activity.letGo(finished);
    });
    this.#inHand.add(handled);
  }

  /** Never rejects. @returns whether the request is answered */
  async #handle(message: ReceivedMessage): Promise<boolean> {
    const { requests, visibilitySeconds } = this.#parts;
    const { messageId, deliveries } = message;
    const start = performance.now();
    const unread = this.#parts.log.child({ messageId, deliveries });
    const hold = holdMessage(requests, message, visibilitySeconds, unread);
    let request: QueuedRequest | undefined;
    let span = NO_SPAN;
    try {
      request = decodeQueued(message.body);
      span = this.#parts.tracing.start('process request', request.trace, {
        kind: 'consumer',
        attributes: { 'elastic_face.request': request.id, 'elastic_face.deliveries': deliveries },
      });
      const startedAt = Date.now();
      const log = this.#parts.log.child({ request: request.id, deliveries });
      const delivery = {
        deliveries,
        // Asked while the photo is fetched.
        postponed: this.#parts.postpone?.(message, request),
        get isLost() {
          return hold.isLost;
        },
      };
      const answered = await this.#parts.answer(request, delivery, log);
      if (answered === undefined) {
        span.end();
        await hold.end();
        await requests.delete(message.receipt);
        return false;
      }
      const { outcome, again, timings } = answered;
      traceSteps(span, startedAt, timings);
      if (timings.compute !== undefined) {
        this.#serviceMs = nextServiceMs(this.#serviceMs, timings.compute);
      }
      const ms = wholeMs({ ...timings, total: performance.now() - start });
      log.info({ outcome: outcomeName(outcome), again, ms }, 'Answered');
      span.set({ 'elastic_face.outcome': outcomeName(outcome) });
      span.end();
      this.#deleteAnswered(message, hold, log);
      return true;
    } catch (err) {
      span.end(err);
      await hold.end();
      await this.#giveBack(message, request, err);
      return false;
    }
  }

  /** The next photo does not wait for it. */
  #deleteAnswered({ receipt }: ReceivedMessage, hold: Hold, log: Logger): void {
    const deleted = hold
      .end()
      .then(() => this.#parts.requests.delete(receipt, DELETE_WITHIN_MS))
      .catch((err: unknown) => {
        // Giving it up now would send its client a failure after the answer.
        log.warn({ err }, 'Answered, but not deleted: the message comes again');
      })
      .then(() => void this.#deleting.delete(deleted));
    this.#deleting.add(deleted);
  }

  /**
   * Returns the message to the queue after a delay, or gives it up. If this worker dies before, the
   * visibility timeout does the same.
   */
  async #giveBack(
    message: ReceivedMessage,
    request: QueuedRequest | undefined,
    err: unknown,
  ): Promise<void> {
    const { requests, giveUp, mostDeliveries } = this.#parts;
    const { messageId, receipt, deliveries, body } = message;
    const log = this.#parts.log.child({ messageId, deliveries, request: request?.id });
    const isLast = deliveries >= mostDeliveries;
    const isPermanent = err instanceof MessageError || isPermanentRefusal(err);
    const delaySeconds = retryDelaySeconds(deliveries, mostDeliveries);
    try {
      if (err instanceof HoldLost) {
        log.warn('Not finished: the message became visible to other workers');
      } else if (err instanceof InferenceStopped) {
        log.warn('Not finished: given back for another worker');
        // An instance taken away is not the photo's fault: a copy starts with a new delivery count.
        if (isLast) await requests.send(body);
        if (isLast) await requests.delete(receipt);
        else await requests.extend(receipt, 0);
      } else if (isLast || isPermanent) {
        log.error({ err }, 'Given up: moved to the dead-letter queue');
        await giveUp(message, request, messageOf(err), isPermanent);
        await requests.delete(receipt);
      } else {
        log.warn({ err, delaySeconds }, 'Failed; will be retried');
        await requests.extend(receipt, delaySeconds);
      }
    } catch (error) {
      log.warn(
        { err: error },
        'Cannot give the message back; it returns when its visibility timeout ends',
      );
    }
  }
}
