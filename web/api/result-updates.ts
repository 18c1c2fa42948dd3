/**
 * Wakes clients that wait for stored results when one of theirs is stored, by any node. A node needs one
 * subscription however many clients wait, and reads only after a notification.
 */
import type { Subscription } from '../../cloud/redis/connection.ts';

/**
 * @param onStored called with the id of each photo whose reply was stored
 * @param onConnected called when the subscription begins, and again after each gap
 */
export type ListenForResults = (
  onStored: (photoId: string) => void,
  onConnected: () => void,
) => Pick<Subscription, 'close'>;

export interface Update {
  /** Resolves when there may be a new result, after the timeout, or after `end`. */
  readonly changed: Promise<void>;
  end(): void;
}

export class ResultUpdates {
  readonly #listen: ListenForResults;
  readonly #waiting = new Map<string, Set<() => void>>();
  #subscription: Pick<Subscription, 'close'> | undefined;
  #isStopped = false;

  constructor(listen: ListenForResults) {
    this.#listen = listen;
  }

  /** Waits for results that are stored from now on. */
  waitFor(photoIds: readonly string[], ms: number): Update {
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      clearTimeout(timer);
      for (const id of photoIds) {
        const waiting = this.#waiting.get(id);
        waiting?.delete(end);
        if (waiting?.size === 0) this.#waiting.delete(id);
      }
      resolve();
    };
    const timer = setTimeout(end, ms);
    for (const id of photoIds) {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting.add(end));
    }
    if (this.#isStopped) end();
    else
      this.#subscription ??= this.#listen(
        (id) => this.#wake(id),
        () => this.#wakeAll(),
      );
    return { changed, end };
  }

  /** Wakes all clients; later calls of `waitFor` resolve at once. */
  stop(): void {
    this.#isStopped = true;
    this.#subscription?.close();
    this.#wakeAll();
  }

  #wake(id: string): void {
    for (const end of this.#waiting.get(id) ?? []) end();
  }

  #wakeAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#wake(id);
  }
}

/** Joins reads of the same key that start together, as when all clients waiting for it are woken. */
export function sharedReads<T>(): (key: string, read: () => Promise<T>) => Promise<T> {
  const begun = new Map<string, Promise<T>>();
  return (key, read) => {
    const known = begun.get(key);
    if (known) return known;
    const reading = read();
    begun.set(key, reading);
    setImmediate(() => begun.delete(key)); // A later read may find more.
    return reading;
  };
}
