/**
 * Which answers are written and sent together. Each call wakes S3's or SQS's process, this one, the web tier and its
 * client, and a processor whose caches the model has filled runs all of them slowly: several calls at once take less
 * of it. An answer is held for the next ones only where its client has waited long anyway. Knows no queue and no
 * bucket.
 */

/** Share of the time that a client has waited already. */
const SHARE = 0.05;
const MOST_MS = 250;
/** A shorter wait brings no other answer. */
const LEAST_MS = 15;
/** For how long a written answer may wait for the group's others to be written, so that their replies share a call. */
const WRITING_MS = 50;

interface Group {
  readonly released: PromiseWithResolvers<void>;
  /** When it is released, by the monotonic clock. */
  endsAt: number;
  timer: NodeJS.Timeout | undefined;
  /** Answers that are not written yet. */
  unwritten: number;
}

export class AnswerGroups {
  readonly #inHand: () => number;
  readonly #now: () => number;
  /** Requests whose answer is computed and not sent yet. */
  #computed = 0;
  #group: Group | undefined;

  /**
   * @param inHand requests that this worker has
   * @param now ms since 1970; another machine's clock may differ, which changes the wait by at most MOST_MS
   */
  constructor(inHand: () => number, now: () => number = Date.now) {
    this.#inHand = inHand;
    this.#now = now;
  }

  /**
   * @param sentAt of the request
   * @param write stores the answer
   * @param send sends the reply, waiting for others for at most these ms
   */
  async around(
    sentAt: number,
    write: () => Promise<void>,
    send: (waitMs: number) => Promise<void>,
  ): Promise<void> {
    this.#computed += 1;
    try {
      const group = this.#join(sentAt);
      await group.released.promise;
      await write().finally(() => {
        group.unwritten -= 1;
      });
      await send(group.unwritten > 0 ? WRITING_MS : 0);
    } finally {
      this.#computed -= 1;
    }
  }

  #join(sentAt: number): Group {
    const group = this.#group ?? newGroup();
    this.#group = group;
    group.unwritten += 1;
    const ms = this.#msFor(sentAt);
    const endsAt = performance.now() + ms;
    if (ms === 0) this.#release(group);
    else if (endsAt < group.endsAt) {
      clearTimeout(group.timer);
      group.endsAt = endsAt;
      group.timer = setTimeout(() => this.#release(group), ms);
    }
    return group;
  }

  #release(group: Group): void {
    clearTimeout(group.timer);
    this.#group = undefined;
    group.released.resolve();
  }

  #msFor(sentAt: number): number {
    // Where nothing else is computed, no other answer comes.
    if (this.#inHand() <= this.#computed) return 0;
    const ms = Math.min(MOST_MS, SHARE * (this.#now() - sentAt));
    return ms < LEAST_MS ? 0 : ms;
  }
}

function newGroup(): Group {
  return {
    released: Promise.withResolvers(),
    endsAt: Number.POSITIVE_INFINITY,
    timer: undefined,
    unwritten: 0,
  };
}
