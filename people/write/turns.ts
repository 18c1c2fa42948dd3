/**
 * When this node may write next, where other nodes write too. The first conditional write wins: a node
 * that goes on at once would always be ahead of one that has to read again. So each lets the others have their turn.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { GalleryChangeError } from '../errors.ts';

/** A change that others are always faster than is given up. */
const MOST_CONFLICTS = 100;
const LONGEST_WAIT_MS = 2000;
/** How long after another node's write this one takes turns. */
const SHARED_MS = 3000;
/** In times that a write takes: as long as one of another node, and a bit. */
const TURN = 1.5;

export class Turns {
  #ownVersion: number | undefined;
  #sharedUntil = Number.NEGATIVE_INFINITY;
  #startedAt = 0;
  #tookMs = 50;
  #notBefore = 0;

  /**
   * Resolves when this node may read the head in order to change it.
   * @param conflicts how often another node was faster
   * @throws {GalleryChangeError} after too many of them
   */
  async wait(conflicts: number): Promise<void> {
    if (conflicts > MOST_CONFLICTS) {
      throw new GalleryChangeError(
        'Other nodes change the gallery all the time; the change was given up. Try again.',
      );
    }
    // Two that have lost at once do not meet again.
    const jitterMs = Math.random() * Math.min(conflicts, 4) * (this.#tookMs / 2);
    const turnMs = conflicts > 0 ? 0 : this.#notBefore - performance.now();
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(jitterMs, turnMs));
    if (waitMs > 0) await delay(waitMs);
  }

  /** @param version that was read */
  begin(version: number): void {
    this.#startedAt = performance.now();
    if (version > (this.#ownVersion ?? version)) this.#sharedUntil = this.#startedAt + SHARED_MS;
  }

  /** @param version that this node has written */
  end(version: number): void {
    const now = performance.now();
    this.#ownVersion = version;
    this.#tookMs = now - this.#startedAt;
    this.#notBefore = now < this.#sharedUntil ? now + TURN * this.#tookMs : 0;
  }
}
