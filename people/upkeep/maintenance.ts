/** What a node does after its changes, in the background and one after the other. What fails is tried again later. */
import type { Logger } from '../../runtime/log.ts';

/** Tidying lists objects, which is not needed after each of many changes. */
const TIDY_EVERY_MS = 5000;

export class Maintenance {
  readonly #work: () => Promise<boolean>;
  readonly #tidy: () => Promise<void>;
  readonly #log: Logger;
  #running: Promise<void> | undefined;
  #isWanted = false;
  #isClosed = false;
  #tidiedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param work resolves with whether it did anything: there may be more to do then */
  constructor(parts: { work: () => Promise<boolean>; tidy: () => Promise<void>; log: Logger }) {
    this.#work = parts.work;
    this.#tidy = parts.tidy;
    this.#log = parts.log;
  }

  /** Called after each change. */
  poke(): void {
    this.#isWanted = true;
    if (this.#isClosed) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isWanted) this.poke();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isWanted = false;
    try {
      while (!this.#isClosed && (await this.#work())) {}
      const sinceMs = performance.now() - this.#tidiedAt;
      if (this.#isClosed) return;
      if (sinceMs >= TIDY_EVERY_MS) {
        this.#tidiedAt = performance.now();
        await this.#tidy();
      } else {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.poke();
        }, TIDY_EVERY_MS - sinceMs).unref();
      }
    } catch (err) {
      this.#log.warn(
        { err },
        'The gallery cannot be tidied up; trying again after the next change',
      );
    }
  }
}
