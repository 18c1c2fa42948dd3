/**
 * Writes changes of this node one group after the other: those that arrive while a group is written make up the next
 * one. On a conflict the gallery is read again, and the changes are made and checked again.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from '../../runtime/log.ts';
import { GALLERY_FORMAT, type GalleryHead, peopleKeys } from '../head.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import type { GalleryState } from '../read/contents.ts';
import { withEmbeddings } from '../read/embeddings.ts';
import { type GalleryReader, OutdatedError } from '../read/reader.ts';
import type { Change, GalleryIndex } from '../records.ts';
import { encodeSegment, readSegmentHeader, refOf } from '../segment.ts';
import { Draft } from './draft.ts';
import type { HeadWriter } from './head-writer.ts';
import { Turns } from './turns.ts';

const MOST_IN_GROUP = 1000;

export type Make = (index: GalleryIndex) => Change | Promise<Change>;

/** What a head says besides its number and how it was written. */
export type NewContents = Omit<GalleryHead, 'format' | 'version' | 'id' | 'at' | 'erased'> & {
  /** Whether somebody is in its segments no more who was in those of the version before. */
  readonly isErasure?: boolean;
};

/** Makes the next head as a whole; undefined when it does not fit the gallery any more. */
export type Rewrite = (state: GalleryState) => Promise<NewContents | undefined>;

interface Waiting {
  readonly make: Make;
  readonly resolve: (written: { version: number }) => void;
  readonly reject: (error: unknown) => void;
}

type RewriteOf = (version: number) => Rewrite;

export class Committer {
  readonly #bucket: PeopleBucket;
  readonly #reader: GalleryReader;
  readonly #writer: HeadWriter;
  readonly #rollback: RewriteOf;
  readonly #onWritten: (version: number) => void;
  readonly #log: Logger;
  readonly #turns = new Turns();
  readonly #waiting: Waiting[] = [];
  #busy: Promise<unknown> = Promise.resolve();
  #isDraining = false;

  /** @param rollback makes the head of an earlier version */
  constructor(parts: {
    bucket: PeopleBucket;
    reader: GalleryReader;
    writer: HeadWriter;
    rollback: RewriteOf;
    onWritten: (version: number) => void;
    log: Logger;
  }) {
    this.#log = parts.log;
    this.#bucket = parts.bucket;
    this.#reader = parts.reader;
    this.#writer = parts.writer;
    this.#rollback = parts.rollback;
    this.#onWritten = parts.onWritten;
  }

  change(make: Make): Promise<{ version: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ version: number }>();
    this.#waiting.push({ make, resolve, reject });
    if (!this.#isDraining) {
      this.#isDraining = true;
      void this.#alone(() => this.#drain());
    }
    return promise;
  }

  /** Writes a head by itself. @returns its version; undefined when `rewrite` gave it up */
  rewrite(rewrite: Rewrite): Promise<number | undefined> {
    return this.#alone(() => this.#rewriteNow(rewrite));
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    let busy: unknown;
    while (busy !== this.#busy) {
      busy = this.#busy;
      await this.#busy;
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work);
    this.#busy = done.catch(() => {});
    return done;
  }

  async #drain(): Promise<void> {
    const group = this.#waiting.splice(0, MOST_IN_GROUP);
    try {
      await this.#commit(group);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    if (this.#waiting.length === 0) this.#isDraining = false;
    // Behind a rewrite that waits.
    else void this.#alone(() => this.#drain());
  }

  /** Waits for this node's turn, and reads the gallery. */
  async #start(conflicts: number): Promise<GalleryState> {
    await this.#turns.wait(conflicts);
    const state = await this.#reader.refresh();
    this.#turns.begin(state.index.version);
    return state;
  }

  /** Settles each change of the group, or rejects for all that are not settled. */
  async #commit(group: readonly Waiting[]): Promise<void> {
    let open = [...group];
    for (let conflicts = 0; open.length > 0; conflicts++) {
      const state = await this.#start(conflicts);
      const draft = new Draft(state, (faces) =>
        withEmbeddings(this.#reader, state.contents, faces),
      );
      const outcome = await this.#apply(open, draft);
      if (outcome === 'outdated') continue;
      const { accepted, later, rollback } = outcome;
      if (rollback) {
        const version = await this.#rewriteNow(this.#rollback(rollback.to)).catch(
          rollback.by.reject,
        );
        if (version) rollback.by.resolve({ version });
        open = later;
        continue;
      }
      const version = draft.isEmpty ? state.index.version : await this.#write(state, draft);
      if (version === undefined) {
        open = [...accepted, ...later];
        continue;
      }
      conflicts = -1;
      for (const { resolve } of accepted) resolve({ version });
      open = later;
    }
  }

  /** Makes the changes until one is a rollback, which is written by itself. */
  async #apply(open: readonly Waiting[], draft: Draft) {
    const accepted: Waiting[] = [];
    for (const [i, waiting] of open.entries()) {
      try {
        const change = await waiting.make(draft.index);
        if (change.kind === 'rollback') {
          if (accepted.length > 0) return { accepted, later: open.slice(i) };
          const rollback = { by: waiting, to: change.version };
          return { accepted, later: open.slice(i + 1), rollback };
        }
        await draft.apply(change);
        accepted.push(waiting);
      } catch (error) {
        if (error instanceof OutdatedError) return 'outdated';
        waiting.reject(error);
      }
    }
    return { accepted, later: [] };
  }

  /** @returns the version; undefined when another node was faster */
  async #write(state: GalleryState, draft: Draft): Promise<number | undefined> {
    const { expected, people, faces } = draft;
    if (expected === undefined) return state.index.version;
    const { contents } = state;
    const next = {
      ...expected,
      segments: contents.segments,
      removed: [...draft.removed],
      removedFromBase: [...draft.removedFromBase],
      base: contents.base,
      people: draft.index.people.size,
      faces: draft.index.faces,
      change: draft.summary,
    };
    if (people.size + faces.size === 0) return this.#writeHead(state, next);
    const { encoder, length } = expected;
    const bytes = encodeSegment([...people.values()], [...faces.values()], encoder, length);
    const size = { people: people.size, faces: faces.size, length };
    const ref = refOf(randomUUID(), bytes, size);
    this.#reader.know(ref, readSegmentHeader(bytes, ref, expected));
    const segments = [...contents.segments, ref];
    const segment = this.#bucket.put(ref.key, bytes, 'application/octet-stream');
    // What fails from here on leaves an orphan, if anything: the head may list the segment after all.
    const version = await this.#writeHead(state, { ...next, segments }, segment);
    if (version === undefined) await this.#bucket.delete([ref.key]).catch(() => {});
    return version;
  }

  async #rewriteNow(rewrite: Rewrite): Promise<number | undefined> {
    for (let conflicts = 0; ; conflicts++) {
      const state = await this.#start(conflicts);
      const next = await rewrite(state);
      if (next === undefined) return undefined;
      const version = await this.#writeHead(state, next);
      if (version !== undefined) return version;
    }
  }

  /**
   * @param segment resolves when the segment is written that this head lists
   * @returns the version; undefined when another node was faster
   */
  async #writeHead(
    state: GalleryState,
    next: NewContents,
    segment?: Promise<void>,
  ): Promise<number | undefined> {
    const { isErasure, ...contents } = next;
    const [before = await this.#highestVersion()] = [state.head?.value.version];
    const head: GalleryHead = {
      format: GALLERY_FORMAT,
      version: before + 1,
      id: randomUUID(),
      at: new Date().toISOString(),
      erased: isErasure ? before + 1 : state.head?.value.erased,
      ...contents,
    };
    await Promise.all([segment, this.#writer.keep(state.head)]);
    const live = await this.#writer.write(head, state.head);
    if (live === undefined) return undefined;
    try {
      this.#reader.adopt(await this.#reader.stateOf(live, state.base));
    } catch (error) {
      // It is written all the same; the next call reads it.
      this.#log.warn({ err: error, version: head.version }, 'The new gallery cannot be read back');
    }
    this.#turns.end(head.version);
    this.#onWritten(head.version);
    return head.version;
  }

  /** Without a head, versions that are kept tell how far the numbers have come. */
  async #highestVersion(): Promise<number> {
    const listed = await this.#bucket.list(peopleKeys.versions);
    return Math.max(0, ...listed.map(({ key }) => peopleKeys.versionOf(key) ?? 0));
  }
}
