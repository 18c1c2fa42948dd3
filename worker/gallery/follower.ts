/**
 * Follows the live gallery: learns of a new version, and has the inference process swap to it. Whatever is wrong
 * with a version, the one before is kept, or an earlier one is searched. Knows no Redis and no S3.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { isServiceOutage } from '../../cloud/aws/service-outage.ts';
import type { GalleryHead } from '../../people/head.ts';
import { messageOf } from '../../runtime/errors.ts';
import { InferenceAbsent, InferenceCrash, InferenceStopped, InferenceUnfit } from '../errors.ts';
import type { ReadKeptHeads } from './kept-heads.ts';
import type { HeadRead, ReadHead } from './read-head.ts';
import { Refusal } from './refusal.ts';
import { SearchedGallery, type SearchedGalleryParts } from './searched-gallery.ts';
import type { SegmentCache } from './segment-cache.ts';

/** Redis announces a change at once; this is for when it does not. */
const POLL_MS = 5000;
/** Heads that are read in a row, where segments of each are merged away meanwhile. */
const MOST_READS = 5;
/** A starting worker waits this long for S3 before it begins with the model's own gallery. */
const FIRST_LOOK_MS = 20_000;
const FIRST_LOOK_AGAIN_MS = 1000;
const NO_HEAD = 'The head of the live gallery is gone from the people bucket.';

export interface FollowerParts extends SearchedGalleryParts {
  readonly readHead: ReadHead;
  /** Read where there is no gallery from before that could be kept. */
  readonly readKeptHeads: ReadKeptHeads;
  readonly cache: Pick<SegmentCache, 'provide' | 'deleteDamaged' | 'sweep'>;
  readonly pollMs?: number | undefined;
  readonly firstLookMs?: number | undefined;
}

export class GalleryFollower {
  readonly #parts: FollowerParts;
  readonly #pollMs: number;
  readonly #firstLookMs: number;
  readonly #stopping = new AbortController();
  /** One look or swap at a time. */
  readonly #turn = pLimit(1);
  readonly #searched: SearchedGallery;
  readonly #refusal: Refusal;
  #queuedLook: Promise<void> | undefined;
  /** Of the newest head that was read, also when that was refused. */
  #etag: string | undefined;
  #trouble: string | undefined;
  /** Whether earlier versions are still to be tried, because there is none that could be kept. */
  #needsOlder = false;
  #sawNoHead = false;
  #polling: Promise<void> | undefined;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#pollMs = parts.pollMs ?? POLL_MS;
    this.#firstLookMs = parts.firstLookMs ?? FIRST_LOOK_MS;
    this.#searched = new SearchedGallery(parts);
    this.#refusal = new Refusal(this.#pollMs);
  }

  /** Of the gallery that photos are compared with; 0 is the model's own. */
  get version(): number {
    return this.#searched.head?.version ?? 0;
  }

  /** Why the newest version is not the one that is searched, if so. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Polls from now on. */
  start(): void {
    this.#polling ??= this.#poll();
  }

  /**
   * Gives a new inference process the gallery that this worker has, or the newest one at the worker's start.
   * @throws when the process ended meanwhile
   */
  prepare(): Promise<void> {
    return this.#turn(async () => {
      if (this.#searched.head === undefined) return this.#firstLook();
      const lost = await this.#searched.giveAgain((why) => this.#note(why));
      if (lost === undefined)
        return this.#note(this.#refusal.why ?? (this.#sawNoHead ? NO_HEAD : undefined));
      this.#etag = undefined;
      return this.#firstLook();
    });
  }

  /** Looks for a newer version now. @throws when the head or its segments cannot be read */
  look(): Promise<void> {
    this.#queuedLook ??= this.#turn(() => {
      this.#queuedLook = undefined;
      return this.#look();
    });
    return this.#queuedLook;
  }

  /**
   * Resolves when this worker has at least that version, or has just seen that there is no such version that
   * it could use.
   * @throws when the head or its segments cannot be read
   */
  async catchUp(version: number | undefined): Promise<void> {
    if (version !== undefined && version > this.version) await this.look();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { cache, log } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(this.#pollMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.look();
        const heads = [this.#searched.head, this.#refusal.head];
        await cache.sweep(heads.flatMap((head) => head?.segments ?? []));
      } catch (err) {
        log.debug({ err }, 'Cannot look for a newer gallery');
      }
    }
  }

  async #firstLook(): Promise<void> {
    const until = performance.now() + this.#firstLookMs;
    this.#refusal.retryAfterCrash();
    for (;;) {
      try {
        return await this.#look();
      } catch (error) {
        if (!isServiceOutage(error) || performance.now() > until) return;
      }
      await delay(FIRST_LOOK_AGAIN_MS, undefined, { signal: this.#stopping.signal });
    }
  }

  async #look(): Promise<void> {
    await this.#lookForNewest();
    if (this.#needsOlder) await this.#useOlder();
  }

  /** A segment may be merged away while it is downloaded: then there is a newer head, which is read at once. */
  async #lookForNewest(): Promise<void> {
    for (let attempt = 1; attempt <= MOST_READS; attempt++) {
      const isNew = await this.#lookOnce();
      if (!isNew || this.#refusal.why === undefined) return;
    }
  }

  /** @returns whether there was a head that it had not read before */
  async #lookOnce(): Promise<boolean> {
    const read = await this.#parts.readHead(this.#etag).catch((error: unknown) => {
      this.#note(`The gallery's head cannot be read: ${messageOf(error)}`);
      throw error;
    });
    if (read.kind === 'none') {
      this.#noteMissingHead();
    } else if (read.kind === 'unchanged') {
      const { head, isDue } = this.#refusal;
      if (head && isDue) await this.#use(head);
      else this.#note(this.#refusal.why);
    } else {
      await this.#take(read);
      return true;
    }
    return false;
  }

  async #take(read: Extract<HeadRead, { etag: string }>): Promise<void> {
    this.#etag = read.etag;
    this.#sawNoHead = false;
    this.#refusal.close();
    if (read.kind === 'unreadable') this.#refuse(undefined, read.error.message);
    else if (read.head.version < this.version) {
      const why = `The gallery's head went back to version ${read.head.version}; versions only grow.`;
      this.#refuse(undefined, why);
    } else await this.#use(read.head);
  }

  /** A gallery that was never changed has no head, and no earlier version either. */
  #noteMissingHead(): void {
    if (this.#searched.head !== undefined) this.#note(NO_HEAD);
    else if (!this.#sawNoHead) this.#needsOlder = true;
    this.#sawNoHead = true;
  }

  async #use(head: GalleryHead): Promise<void> {
    try {
      const why = await this.#searched.swapTo(head);
      if (why !== undefined) return this.#refuse(head, why);
      this.#refusal.close();
      this.#needsOlder = false;
      this.#note(undefined);
    } catch (error) {
      if (error instanceof InferenceStopped || error instanceof InferenceUnfit) throw error;
      if (error instanceof InferenceAbsent) {
        this.#refusal.postpone(head);
        throw error;
      }
      this.#refuse(head, messageOf(error));
      if (isServiceOutage(error)) throw error;
      // The process may have been killed: the version is tried again at the next look, and a request that
      // needs it is given back meanwhile.
      if (error instanceof InferenceCrash && this.#refusal.retryAfterCrash()) throw error;
    }
  }

  /** Without a gallery from before, the newest earlier version that is whole is searched meanwhile. */
  async #useOlder(): Promise<void> {
    const below = this.#refusal.head?.version ?? Number.POSITIVE_INFINITY;
    const version = await this.#searched.swapToFirstOf(this.#parts.readKeptHeads(below));
    this.#needsOlder = false;
    if (version === undefined) return;
    const reason = this.#refusal.why ?? NO_HEAD;
    this.#note(reason);
    this.#parts.log.warn(
      { version, reason },
      'Searching an earlier version of the gallery until a newer one is whole',
    );
  }

  #refuse(head: GalleryHead | undefined, why: string): void {
    this.#refusal.add(head, why);
    if (this.#searched.head === undefined) this.#needsOlder = true;
    this.#note(why);
  }

  /** Says once what is wrong, and once that it is over. */
  #note(trouble: string | undefined): void {
    const { log } = this.#parts;
    const before = this.#trouble;
    this.#trouble = trouble;
    const { version } = this;
    if (trouble !== undefined && trouble !== before) {
      log.error({ reason: trouble, kept: version }, 'A new gallery is not used');
    } else if (trouble === undefined && before !== undefined) {
      log.info({ version }, 'The newest gallery is in use again');
    }
  }
}
