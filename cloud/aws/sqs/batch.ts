/**
 * Joins calls that arrive while another is under way into one batch call. It waits for more only where that was
 * allowed: any other item is sent at once, so batching costs no latency. Knows nothing about AWS.
 */

interface Waiting<Item> {
  readonly item: Item;
  /** Runs while it may wait for others to share its call. */
  timer: NodeJS.Timeout | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Sends a batch; the answer holds, by index, the errors of the items that failed. */
export type SendBatch<Item> = (items: readonly Item[]) => Promise<ReadonlyMap<number, Error>>;

export interface BatcherOptions<Item> {
  /** Most items in one call; SQS takes 10. */
  readonly size: number;
  /** Most bytes in one call; a larger item goes alone. Default: no bound. */
  readonly mostBytes?: number;
  /** Bytes that an item takes in a call. */
  readonly bytesOf?: (item: Item) => number;
  /** Calls under way at once. */
  readonly concurrency: number;
}

export class Batcher<Item> {
  readonly #send: SendBatch<Item>;
  readonly #options: BatcherOptions<Item>;
  readonly #waiting: Waiting<Item>[] = [];
  #underWay = 0;

  constructor(send: SendBatch<Item>, options: BatcherOptions<Item>) {
    this.#send = send;
    this.#options = options;
  }

  /**
   * Resolves when the item was sent; rejects with the item's own error.
   * @param waitMs for how long it may wait until a call is full
   */
  add(item: Item, waitMs = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting<Item> = { item, timer: undefined, resolve, reject };
      if (waitMs > 0) {
        waiting.timer = setTimeout(() => {
          waiting.timer = undefined;
          this.#next();
        }, waitMs);
      }
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  #next(): void {
    while (this.#underWay < this.#options.concurrency && this.#isDue()) {
      const batch = this.#waiting.splice(0, this.#nextSize());
      for (const { timer } of batch) clearTimeout(timer);
      this.#underWay += 1;
      void this.#run(batch).finally(() => {
        this.#underWay -= 1;
        this.#next();
      });
    }
  }

  /** Whether a call is full, or one of those that wait must not wait any longer. */
  #isDue(): boolean {
    const { length } = this.#waiting;
    return length >= this.#options.size || this.#waiting.some(({ timer }) => timer === undefined);
  }

  /** How many of those that wait go into the next call. */
  #nextSize(): number {
    const { size, mostBytes = Number.POSITIVE_INFINITY, bytesOf = () => 0 } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const { item } of this.#waiting.slice(0, size)) {
      bytes += bytesOf(item);
      if (count > 0 && bytes > mostBytes) break;
      count += 1;
    }
    return count;
  }

  async #run(batch: readonly Waiting<Item>[]): Promise<void> {
    try {
      const failed = await this.#send(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const error = failed.get(index);
        if (error) reject(error);
        else resolve();
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
