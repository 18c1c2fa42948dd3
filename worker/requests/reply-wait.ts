/**
 * How long a reply may wait for the next ones, so that they share one call. Each message wakes the queue, the web
 * tier and its client, and a processor whose caches the model has filled runs all of them slowly: together they
 * take less of it. Only replies whose clients have waited long anyway are held. Knows no queue.
 */

/** Share of the time that a client has waited already. */
const SHARE = 0.05;
const MOST_MS = 250;
/** A shorter wait brings no other reply. */
const LEAST_MS = 15;

export class ReplyWait {
  readonly #inHand: () => number;
  readonly #now: () => number;
  #waiting = 0;

  /**
   * @param inHand requests that this worker has
   * @param now ms since 1970; another machine's clock may differ, which changes the wait by at most MOST_MS
   */
  constructor(inHand: () => number, now: () => number = Date.now) {
    this.#inHand = inHand;
    this.#now = now;
  }

  /** @param send sends the reply to a request of that time, waiting for at most these ms */
  async around<T>(sentAt: number, send: (waitMs: number) => Promise<T>): Promise<T> {
    this.#waiting += 1;
    try {
      return await send(this.#msFor(sentAt));
    } finally {
      this.#waiting -= 1;
    }
  }

  #msFor(sentAt: number): number {
    // Where nothing else is computed, no other reply comes.
    if (this.#inHand() <= this.#waiting) return 0;
    const ms = Math.min(MOST_MS, SHARE * (this.#now() - sentAt));
    return ms < LEAST_MS ? 0 : ms;
  }
}
