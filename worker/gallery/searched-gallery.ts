/**
 * The version that the inference process searches: swaps to another one, gives it to a new process, and finds an
 * earlier one that is whole. Does not know which version is the newest.
 */
import { SegmentError } from '../../people/errors.ts';
import type { GalleryHead } from '../../people/head.ts';
import type { Logger } from '../../runtime/log.ts';
import { InferenceCrash } from '../errors.ts';
import type { GalleryAnswer, GalleryFiles } from '../inference/protocol.ts';
import type { SegmentCache } from './segment-cache.ts';

export interface SearchedGalleryParts {
  readonly cache: Pick<SegmentCache, 'provide' | 'deleteDamaged'>;
  /** Swaps the gallery of the inference process; rejects when that ends meanwhile. */
  readonly swap: (gallery: GalleryFiles) => Promise<GalleryAnswer>;
  /** Called when an earlier gallery has been replaced. */
  readonly onReplaced?: (by: GalleryHead) => void;
  readonly log: Logger;
}

export class SearchedGallery {
  readonly #parts: SearchedGalleryParts;
  #current: GalleryFiles | undefined;
  /** Earlier versions that ended the inference process: each is tried once. */
  readonly #fatal = new Set<number>();

  constructor(parts: SearchedGalleryParts) {
    this.#parts = parts;
  }

  /** Undefined where the model's own gallery is searched. */
  get head(): GalleryHead | undefined {
    return this.#current?.head;
  }

  /** @returns why the version is refused, if so: then the one before is searched. Throws what reading throws. */
  async swapTo(head: GalleryHead): Promise<string | undefined> {
    const { cache, swap, log, onReplaced } = this.#parts;
    const files = await cache.provide(head.segments);
    const answer = await swap({ head, files });
    if ('refused' in answer) {
      await cache.deleteDamaged(head.segments);
      return answer.refused;
    }
    const before = this.head?.version ?? 0;
    this.#current = { head, files };
    log.info({ version: head.version, before, ...answer.swapped }, 'Searching a new gallery');
    onReplaced?.(head);
    return undefined;
  }

  /**
   * Gives a new inference process the version that the one before searched.
   * @returns why there is nothing to give it any more, if so
   */
  async giveAgain(onDamage: (why: string) => void): Promise<string | undefined> {
    const { cache, swap } = this.#parts;
    const current = this.#current;
    if (current === undefined) return 'There is no gallery from before.';
    const answer = await swap(current);
    if ('swapped' in answer) return undefined;
    onDamage(answer.refused);
    // Its files are gone or damaged. Without them this worker would forget people who are enrolled.
    await cache.deleteDamaged(current.head.segments);
    try {
      const files = await cache.provide(current.head.segments);
      const again = await swap({ ...current, files });
      if ('swapped' in again) return undefined;
      throw new SegmentError(again.refused);
    } catch (error) {
      if (!(error instanceof SegmentError)) throw error;
      this.#current = undefined;
      return error.message;
    }
  }

  /** Swaps to the first of these versions that is whole. @returns its number. Throws what reading throws. */
  async swapToFirstOf(heads: AsyncIterable<GalleryHead>): Promise<number | undefined> {
    for await (const head of heads) {
      if (this.#fatal.has(head.version)) continue;
      try {
        if ((await this.swapTo(head)) === undefined) return head.version;
      } catch (error) {
        if (error instanceof InferenceCrash) this.#fatal.add(head.version);
        if (!(error instanceof SegmentError)) throw error;
      }
    }
    return undefined;
  }
}
