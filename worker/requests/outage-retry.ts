/**
 * Retries while a service that answers need is unreachable: the request stays with this worker, no delivery
 * is spent on it, and the worker takes no more requests until the service is back. Knows no queue.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isServiceOutage } from '../../cloud/aws/service-outage.ts';
import type { Logger } from '../../runtime/log.ts';
import { HoldLost, InferenceStopped } from '../errors.ts';
import type { RequestParts } from './answer.ts';
import type { Delivery } from './delivery.ts';

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 10_000;

/** What an answer needs. */
type Service = 'photos' | 'results' | 'replies' | 'people';

interface Outage {
  /** Calls that wait for the service. */
  waiting: number;
}

export interface OutageRetryOptions {
  /**
   * A photo is kept no longer than this: its client has been told that it took too long. Counted from when
   * this worker took it, since the clock of its web node may be wrong.
   */
  readonly requestMs: number;
  readonly log: Logger;
  readonly firstWaitMs?: number;
  readonly mostWaitMs?: number;
}

export class OutageRetry {
  readonly #options: Required<OutageRetryOptions>;
  readonly #outages = new Map<Service, Outage>();
  readonly #leaving = new AbortController();
  #over = Promise.withResolvers<void>();

  constructor(options: OutageRetryOptions) {
    this.#options = { firstWaitMs: FIRST_WAIT_MS, mostWaitMs: MOST_WAIT_MS, ...options };
  }

  /** The services that calls wait for now. */
  get away(): readonly string[] {
    return [...this.#outages.keys()];
  }

  /** Resolves when no call waits for a service. */
  async allBack(): Promise<void> {
    while (this.#outages.size > 0) await this.#over.promise;
  }

  /** Stops waiting: what cannot be finished is given back for another worker. */
  leave(): void {
    this.#leaving.abort();
  }

  /** The same parts, with calls that retry while their service is unreachable and the time of this delivery is not over. */
  with(parts: RequestParts, delivery: Delivery): RequestParts {
    const { photos, results, replies, works } = parts;
    const until = performance.now() + this.#options.requestMs;
    const on =
      <Arguments extends unknown[], T>(
        service: Service,
        call: (...args: Arguments) => Promise<T>,
      ): ((...args: Arguments) => Promise<T>) =>
      (...args) =>
        this.#retry(service, () => call(...args), until, delivery);
    return {
      ...parts,
      photos: {
        put: on('photos', photos.put),
        get: on('photos', photos.get),
        settle: on('photos', photos.settle),
        delete: on('photos', photos.delete),
      },
      results: {
        put: on('results', results.put),
        find: on('results', results.find),
        origin: on('results', results.origin),
      },
      replies: { ...replies, send: on('replies', replies.send) },
      works: {
        get: on('people', works.get),
        put: on('people', works.put),
        exists: on('people', works.exists),
        delete: on('people', works.delete),
      },
      catchUp: on('people', parts.catchUp),
    };
  }

  /**
   * @throws what the call throws for another reason, or when its time is over; InferenceStopped when this
   *   worker leaves; HoldLost when another worker may have the request
   */
  async #retry<T>(
    service: Service,
    call: () => Promise<T>,
    until: number,
    delivery: Delivery,
  ): Promise<T> {
    const { firstWaitMs, mostWaitMs } = this.#options;
    let outage: Outage | undefined;
    try {
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, mostWaitMs)) {
        try {
          return await call();
        } catch (error) {
          if (!isServiceOutage(error) || performance.now() > until) throw error;
          if (this.#leaving.signal.aborted) throw new InferenceStopped();
          outage ??= this.#begin(service, error);
        }
        await delay(waitMs, undefined, { signal: this.#leaving.signal }).catch(() => {
          throw new InferenceStopped();
        });
        if (delivery.isLost) throw new HoldLost();
      }
    } finally {
      if (outage) this.#end(service, outage);
    }
  }

  #begin(service: Service, err: unknown): Outage {
    const outage = this.#outages.get(service) ?? { waiting: 0 };
    if (outage.waiting === 0) {
      this.#options.log.warn(
        { err, service },
        'A service is unreachable: taking no requests until it is back',
      );
      this.#outages.set(service, outage);
    }
    outage.waiting += 1;
    return outage;
  }

  #end(service: Service, outage: Outage): void {
    outage.waiting -= 1;
    if (outage.waiting > 0) return;
    this.#outages.delete(service);
    if (this.#outages.size > 0) return;
    this.#options.log.info({ service }, 'Taking requests again');
    this.#over.resolve();
    this.#over = Promise.withResolvers();
  }
}
