/** The requests of this node that wait for a reply. Each ends once: answered, timed out, or disconnected. */
import type { ReplyMessage } from '../../cloud/contract/messages.ts';
import { httpError } from '../errors.ts';

/** A request whose reply is waited for. */
export interface Awaited {
  readonly id: string;
  readonly file: string;
}

/** Looks for a reply that did not arrive; resolves with undefined if there is none. */
export type LastLook = (request: Awaited) => Promise<ReplyMessage | undefined>;

interface Waiter {
  readonly file: string;
  readonly resolve: (reply: ReplyMessage) => void;
  readonly reject: (reason: unknown) => void;
  readonly end: () => void;
}

export class Waiters {
  readonly #waiting = new Map<string, Waiter>();
  readonly #limitSeconds: number;
  readonly #lastLook: LastLook;

  /**
   * @param limitSeconds timeout, after which a waiter is rejected with 504
   * @param lastLook called before that: the reply may be stored although this node missed it
   */
  constructor(limitSeconds: number, lastLook: LastLook = async () => undefined) {
    this.#limitSeconds = limitSeconds;
    this.#lastLook = lastLook;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** The requests whose replies are waited for, oldest first. */
  get waiting(): Awaited[] {
    return [...this.#waiting].map(([id, { file }]) => ({ id, file }));
  }

  isWaiting(id: string): boolean {
    return this.#waiting.has(id);
  }

  /**
   * Call this before the request is sent, or a fast reply finds no waiter.
   * @param signal aborted when the client disconnects, which removes the waiter
   */
  wait({ id, file }: Awaited, signal: AbortSignal): Promise<ReplyMessage> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onLeave);
        this.#waiting.delete(id);
      };
      const onLeave = (): void => {
        end();
        reject(signal.reason);
      };
      const late = async (): Promise<void> => {
        const reply = await this.#lastLook({ id, file }).catch(() => undefined);
        if (this.#waiting.get(id) !== waiter) return; // Answered or disconnected in the meantime.
        end();
        if (reply) resolve(reply);
        else reject(httpError.tooSlow(this.#limitSeconds));
      };
      const timer = setTimeout(() => void late(), this.#limitSeconds * 1000);
      if (signal.aborted) {
        clearTimeout(timer);
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onLeave);
      const waiter: Waiter = { file, resolve, reject, end };
      this.#waiting.set(id, waiter);
    });
  }

  /**
   * Rejects every waiter, e.g. when the node stops.
   * @returns the number of waiters
   */
  rejectAll(reason: () => Error): number {
    const all = [...this.#waiting.values()];
    for (const waiter of all) {
      waiter.end();
      waiter.reject(reason());
    }
    return all.length;
  }

  /** @returns whether a request was waiting for it */
  answer(reply: ReplyMessage): boolean {
    const waiter = this.#waiting.get(reply.id);
    if (waiter === undefined) return false;
    waiter.end();
    waiter.resolve(reply);
    return true;
  }
}
