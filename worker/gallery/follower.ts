/**
 * Follows the live gallery: learns of a new version, downloads what it lacks, and has the inference process swap
 * to it. Whatever is wrong with a version, the one before is kept. Knows no Redis and no S3.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { isServiceOutage } from '../../cloud/aws/service-outage.ts';
import type { GalleryHead } from '../../people/head.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { InferenceAbsent, InferenceCrash, InferenceStopped, InferenceUnfit } from '../errors.ts';
import type { GalleryAnswer, GalleryFiles } from '../inference/protocol.ts';
import type { ReadHead } from './read-head.ts';
import type { SegmentCache } from './segment-cache.ts';

/** Redis announces a change at once; this is for when it does not. */
const POLL_MS = 5000;
/** A version that was refused is tried again after a poll, later and later. */
const MOST_RETRY_MS = 60_000;
/** A version that ended the inference process this often while it started is not tried at each start. */
const MOST_CRASHES = 3;
/** Heads that are read in a row, where segments of each are merged away meanwhile. */
const MOST_READS = 5;
/** A starting worker waits this long for S3 before it begins with the model's own gallery. */
const FIRST_LOOK_MS = 20_000;
const FIRST_LOOK_AGAIN_MS = 1000;

export interface FollowerParts {
  readonly readHead: ReadHead;
  readonly cache: Pick<SegmentCache, 'provide' | 'deleteDamaged' | 'sweep'>;
  /** Swaps the gallery of the inference process; rejects when that ends meanwhile. */
  readonly swap: (gallery: GalleryFiles) => Promise<GalleryAnswer>;
  /** Called when an earlier gallery has been replaced. */
  readonly onReplaced?: () => void;
  readonly log: Logger;
  readonly pollMs?: number | undefined;
  readonly firstLookMs?: number | undefined;
}

interface Refused {
  readonly head: GalleryHead | undefined;
  readonly attempts: number;
  readonly retryAt: number;
}

export class GalleryFollower {
  readonly #parts: FollowerParts;
  readonly #pollMs: number;
  readonly #firstLookMs: number;
  readonly #stopping = new AbortController();
  /** One look or swap at a time. */
  readonly #turn = pLimit(1);
  #queuedLook: Promise<void> | undefined;
  #current: GalleryFiles | undefined;
  /** Of the newest head that was read, also when that was refused. */
  #etag: string | undefined;
  #refused: Refused | undefined;
  #trouble: string | undefined;
  #polling: Promise<void> | undefined;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#pollMs = parts.pollMs ?? POLL_MS;
    this.#firstLookMs = parts.firstLookMs ?? FIRST_LOOK_MS;
  }

  /** Of the gallery that photos are compared with; 0 is the model's own. */
  get version(): number {
    return this.#current?.head.version ?? 0;
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
      const current = this.#current;
      if (current === undefined) return this.#firstLook();
      const answer = await this.#parts.swap(current);
      if ('swapped' in answer) return;
      // Its files are gone or damaged. Without them this worker would forget people who are enrolled.
      this.#note(answer.refused);
      await this.#parts.cache.deleteDamaged(current.head.segments);
      const files = await this.#parts.cache.provide(current.head.segments);
      const again = await this.#parts.swap({ ...current, files });
      if ('refused' in again) throw new Error(again.refused);
      this.#note(undefined);
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
        await cache.sweep([
          ...(this.#current?.head.segments ?? []),
          ...(this.#refused?.head?.segments ?? []),
        ]);
      } catch (err) {
        log.debug({ err }, 'Cannot look for a newer gallery');
      }
    }
  }

  async #firstLook(): Promise<void> {
    const until = performance.now() + this.#firstLookMs;
    if (this.#refused && this.#mayBeFaultless) this.#refused = { ...this.#refused, retryAt: 0 };
    for (;;) {
      try {
        return await this.#look();
      } catch (error) {
        if (!isServiceOutage(error) || performance.now() > until) return;
      }
      await delay(FIRST_LOOK_AGAIN_MS, undefined, { signal: this.#stopping.signal });
    }
  }

  /** A segment may be merged away while it is downloaded: then there is a newer head, which is read at once. */
  async #look(): Promise<void> {
    for (let attempt = 1; attempt <= MOST_READS; attempt++) {
      const isNew = await this.#lookOnce();
      if (!isNew || this.#refused === undefined) return;
    }
  }

  /** @returns whether there was a head that it had not read before */
  async #lookOnce(): Promise<boolean> {
    const read = await this.#parts.readHead(this.#etag).catch((error: unknown) => {
      this.#note(`The gallery's head cannot be read: ${messageOf(error)}`);
      throw error;
    });
    if (read.kind === 'none') {
      this.#note(this.#current && 'The head of the live gallery is gone from the people bucket.');
    } else if (read.kind === 'unchanged') {
      const { head, retryAt } = this.#refused ?? {};
      if (this.#refused === undefined) this.#note(undefined);
      else if (head && performance.now() >= (retryAt ?? 0)) await this.#use(head);
    } else {
      this.#etag = read.etag;
      this.#refused = undefined;
      if (read.kind === 'unreadable') this.#refuse(undefined, read.error.message);
      else if (read.head.version < this.version) {
        const why = `The gallery's head went back to version ${read.head.version}; versions only grow.`;
        this.#refuse(undefined, why);
      } else await this.#use(read.head);
      return true;
    }
    return false;
  }

  async #use(head: GalleryHead): Promise<void> {
    const { cache, swap, log, onReplaced } = this.#parts;
    try {
      const files = await cache.provide(head.segments);
      const answer = await swap({ head, files });
      if ('refused' in answer) {
        await cache.deleteDamaged(head.segments);
        this.#refuse(head, answer.refused);
        return;
      }
      const before = this.version;
      this.#current = { head, files };
      this.#refused = undefined;
      this.#note(undefined);
      log.info({ version: head.version, before, ...answer.swapped }, 'Searching a new gallery');
      onReplaced?.();
    } catch (error) {
      if (error instanceof InferenceStopped || error instanceof InferenceUnfit) throw error;
      const isAbsent = error instanceof InferenceAbsent;
      this.#refuse(head, messageOf(error), isAbsent ? 0 : 1);
      if (isAbsent || isServiceOutage(error)) throw error;
      if (!(error instanceof InferenceCrash) || !this.#mayBeFaultless) return;
      // The process may have been killed: the version is tried again at the next look, and a request that
      // needs it is given back meanwhile.
      this.#refused = { ...this.#refused!, retryAt: 0 };
      throw error;
    }
  }

  get #mayBeFaultless(): boolean {
    return this.#refused !== undefined && this.#refused.attempts < MOST_CRASHES;
  }

  #refuse(head: GalleryHead | undefined, why: string, counts = 1): void {
    const attempts = (this.#refused?.attempts ?? 0) + counts;
    const waitMs = counts === 0 ? 0 : Math.min(this.#pollMs * 2 ** (attempts - 1), MOST_RETRY_MS);
    // A poll must not miss its time by the milliseconds that the look takes.
    this.#refused = { head, attempts, retryAt: performance.now() + waitMs * 0.9 };
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
