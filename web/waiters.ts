/** Who waits for which reply on this node. A waiter ends exactly once: answered, too late, or gone. */
import type { ReplyMessage } from '../cloud/messages.ts';
import { refuse } from './errors.ts';

interface Waiter {
  readonly resolve: (reply: ReplyMessage) => void;
  readonly reject: (reason: unknown) => void;
  readonly end: () => void;
}

export class Waiters {
  readonly #waiting = new Map<string, Waiter>();
  readonly #limitSeconds: number;

  /** @param limitSeconds a waiter that has no reply by then is refused with 504 */
  constructor(limitSeconds: number) {
    this.#limitSeconds = limitSeconds;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /**
   * Register before the request is sent, or a fast reply finds nobody.
   * @param signal aborted when the client goes away, which frees the waiter
   */
  wait(id: string, signal: AbortSignal): Promise<ReplyMessage> {
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
      const timer = setTimeout(() => {
        end();
        reject(refuse.tooSlow(this.#limitSeconds));
      }, this.#limitSeconds * 1000);
      if (signal.aborted) {
        clearTimeout(timer);
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onLeave);
      this.#waiting.set(id, { resolve, reject, end });
    });
  }

  /**
   * Ends every waiter with this refusal, e.g. when the node stops.
   * @returns how many there were
   */
  refuseAll(reason: () => Error): number {
    const all = [...this.#waiting.values()];
    for (const waiter of all) {
      waiter.end();
      waiter.reject(reason());
    }
    return all.length;
  }

  /** @returns whether somebody was waiting for it */
  answer(reply: ReplyMessage): boolean {
    const waiter = this.#waiting.get(reply.id);
    if (waiter === undefined) return false;
    waiter.end();
    waiter.resolve(reply);
    return true;
  }
}
