/** What a worker is doing, as reported in its lease. Knows no network; the clock is an argument. */
import type { Lease, LeaseState } from '../cloud/redis/leases.ts';

export class Activity {
  readonly #now: () => number;
  #state: LeaseState = 'starting';
  #since: number;
  #ready = false;
  #draining = false;
  #drained = false;
  #restarting = false;
  #inHand = 0;
  #finished = 0;

  /** @param now a monotonic clock in ms: a wall clock that is set back must not undo idle time */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  get inHand(): number {
    return this.#inHand;
  }

  get lease(): Lease {
    return {
      state: this.#state,
      forMs: Math.max(0, this.#now() - this.#since),
      inHand: this.#inHand,
      finished: this.#finished,
    };
  }

  /** The model is loaded. */
  ready(): void {
    this.#ready = true;
    this.#derive();
  }

  take(): void {
    this.#inHand += 1;
    this.#derive();
  }

  /** A request is done. @param finished whether it was answered, not given back */
  letGo(finished: boolean): void {
    this.#inHand -= 1;
    if (finished) this.#finished += 1;
    this.#derive();
  }

  /** It takes no more requests; this cannot be undone. */
  drain(): void {
    this.#draining = true;
    this.#derive();
  }

  /**
   * It takes no more requests until it starts again in this process: to the scaler it is starting, since one
   * that drains is terminated.
   */
  restart(): void {
    this.#restarting = true;
    this.#derive();
  }

  /** No request is in progress and no poll is open. */
  drained(): void {
    this.#draining = true;
    this.#drained = true;
    this.#derive();
  }

  #derive(): void {
    const state = this.#stateNow();
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#now();
  }

  #stateNow(): LeaseState {
    if (this.#drained) return 'drained';
    if (this.#draining) return 'draining';
    if (!this.#ready || this.#restarting) return 'starting';
    return this.#inHand > 0 ? 'busy' : 'idle';
  }
}
