/**
 * Wakes clients that wait for kept answers when one of theirs is kept, on whichever node. However many
 * wait, a node has one subscription and looks only when there is something new. Knows no HTTP.
 */
import type { Subscription } from '../../cloud/redis/connection.ts';

/**
 * @param told called with the id of each photo whose reply was kept
 * @param onHearing called when that is heard, at first and after each gap
 */
export type ListenForKept = (
  told: (photoId: string) => void,
  onHearing: () => void,
) => Pick<Subscription, 'close'>;

export interface News {
  /** Resolves when there may be something new, when its time is over, or when it is ended. */
  readonly told: Promise<void>;
  end(): void;
}

export class KeptNews {
  readonly #listen: ListenForKept;
  readonly #waiting = new Map<string, Set<() => void>>();
  #subscription: Pick<Subscription, 'close'> | undefined;
  #isStopped = false;

  constructor(listen: ListenForKept) {
    this.#listen = listen;
  }

  /** What is kept from now on is told; what was kept before is not. */
  of(photoIds: readonly string[], ms: number): News {
    const { promise: told, resolve } = Promise.withResolvers<void>();
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
    return { told, end };
  }

  /** Wakes all; from then on nobody waits. */
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

/** Looks for the same thing that begin at once, as when all who wait for it are woken, are one look. */
export function sharedLooks<T>(): (key: string, look: () => Promise<T>) => Promise<T> {
  const begun = new Map<string, Promise<T>>();
  return (key, look) => {
    const known = begun.get(key);
    if (known) return known;
    const looking = look();
    begun.set(key, looking);
    setImmediate(() => begun.delete(key)); // One that begins later may find more.
    return looking;
  };
}
