/** The newest version, where it was refused: how often it was, and when it is tried again. */
import type { GalleryHead } from '../../people/head.ts';

/** A version that was refused is tried again after a poll, later and later. */
const MOST_RETRY_MS = 60_000;
/** A version that ended the inference process this often while it started is not tried at each start. */
const MOST_CRASHES = 3;

export class Refusal {
  readonly #pollMs: number;
  #head: GalleryHead | undefined;
  #why: string | undefined;
  #attempts = 0;
  #retryAt = 0;

  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /** Why the newest version is not used; undefined when it is. */
  get why(): string | undefined {
    return this.#why;
  }

  /** What is tried again; undefined where the head itself is damaged. */
  get head(): GalleryHead | undefined {
    return this.#head;
  }

  get isDue(): boolean {
    return performance.now() >= this.#retryAt;
  }

  add(head: GalleryHead | undefined, why: string): void {
    this.#why = why;
    this.#head = head;
    this.#attempts += 1;
    const waitMs = Math.min(this.#pollMs * 2 ** (this.#attempts - 1), MOST_RETRY_MS);
    // A poll must not miss its time by the milliseconds that the look takes.
    this.#retryAt = performance.now() + waitMs * 0.9;
  }

  /** Nothing was found out about the version: it is due at once. */
  postpone(head: GalleryHead): void {
    this.#head = head;
    this.#retryAt = 0;
  }

  /** Makes the version due at once, unless it has ended too many processes. @returns whether it is due */
  retryAfterCrash(): boolean {
    if (this.#why === undefined || this.#attempts >= MOST_CRASHES) return false;
    this.#retryAt = 0;
    return true;
  }

  close(): void {
    this.#why = undefined;
    this.#head = undefined;
    this.#attempts = 0;
    this.#retryAt = 0;
  }
}
