/**
 * Joins calls that arrive while another is under way into one batch call. It never waits for more: a
 * lone item goes at once, so that batching costs no latency. Knows nothing of AWS.
 */

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Sends a batch; the answer holds, by index, the errors of the items that failed. */
export type SendBatch<Item> = (items: readonly Item[]) => Promise<ReadonlyMap<number, Error>>;

export interface BatcherOptions {
  /** Most items in one call; SQS takes 10. */
  readonly size: number;
  /** Calls under way at once. */
  readonly concurrency: number;
}

export class Batcher<Item> {
  readonly #send: SendBatch<Item>;
  readonly #options: BatcherOptions;
  readonly #waiting: Waiting<Item>[] = [];
  #underWay = 0;

  constructor(send: SendBatch<Item>, options: BatcherOptions) {
    this.#send = send;
    this.#options = options;
  }

  /** Resolves when the item was sent; rejects with the item's own error. */
  add(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    while (this.#underWay < this.#options.concurrency && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.size);
      this.#underWay += 1;
      void this.#run(batch).finally(() => {
        this.#underWay -= 1;
        this.#next();
      });
    }
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
