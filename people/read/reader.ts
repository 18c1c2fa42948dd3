/** Reads the live version: its head by conditional requests, and of its segments only the headers it lacks. */
import pLimit from 'p-limit';
import { SegmentError } from '../errors.ts';
import { baseSchema, type GalleryHead, headSchema, peopleKeys, type SegmentRef } from '../head.ts';
import {
  type Expected,
  embeddingsStart,
  readSegmentHeader,
  type SegmentHeader,
} from '../segment.ts';
import type { PeopleBucket, Stored } from './bucket.ts';
import {
  type Contents,
  contentsOf,
  factsOf,
  type GalleryState,
  parsed,
  startsWith,
} from './contents.ts';
import { Folded } from './folded.ts';
import { LayeredIndex } from './layered.ts';

const READS_AT_ONCE = 8;
/** More changes than this over a folded version are folded in. */
const LEAST_CHANGES_TO_FOLD = 2000;

/** An object that a head lists was deleted since, because a newer head does not list it. */
export class OutdatedError extends SegmentError {}

export class GalleryReader {
  readonly #bucket: PeopleBucket;
  readonly #limit = pLimit(READS_AT_ONCE);
  /** By SHA-256 of the segment. */
  #headers = new Map<string, SegmentHeader>();
  #state: GalleryState | undefined;
  #running: Promise<GalleryState> | undefined;
  #next: Promise<GalleryState> | undefined;

  constructor(bucket: PeopleBucket) {
    this.#bucket = bucket;
  }

  /** The last version that was read or written. */
  get state(): GalleryState | undefined {
    return this.#state;
  }

  /**
   * The version that is live at some moment of this call.
   * @throws {SegmentError} when the head or a segment is not in order; the old state stays
   */
  refresh(): Promise<GalleryState> {
    if (this.#running === undefined) {
      const running = this.#read().finally(() => {
        this.#running = undefined;
      });
      this.#running = running;
      return running;
    }
    // What runs may have read the head before this call.
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.refresh();
      });
    return this.#next;
  }

  /** Takes in a version that this node has written. */
  adopt(state: GalleryState): void {
    if (state.index.version < (this.#state?.index.version ?? 0)) return;
    this.#state = state;
    this.#forget(state);
  }

  /** Spares reading the header of a segment that this node has written. */
  know({ sha256 }: SegmentRef, header: SegmentHeader): void {
    this.#headers.set(sha256, header);
  }

  /** Forgets the headers of segments that were erased. */
  unknow(refs: readonly SegmentRef[]): void {
    for (const { sha256 } of refs) this.#headers.delete(sha256);
  }

  /** The headers of segments, in their order. @throws {OutdatedError} */
  async headers(refs: readonly SegmentRef[], expected: Expected): Promise<SegmentHeader[]> {
    return Promise.all(
      refs.map(async (ref) => {
        const known = this.#headers.get(ref.sha256);
        if (known) return known;
        const header = await this.#limit(() => this.#readHeader(ref, expected));
        this.#headers.set(ref.sha256, header);
        return header;
      }),
    );
  }

  /** Some bytes of a segment. @throws {OutdatedError} */
  range(ref: SegmentRef, start: number, end: number): Promise<Buffer> {
    return this.#limit(() => this.#range(ref, start, end));
  }

  /** An earlier or later state of the gallery, from its contents. */
  async stateOf(
    head: GalleryState['head'],
    base: GalleryState['base'],
    contents = contentsOf(head?.value, base?.value),
  ): Promise<GalleryState> {
    const facts = factsOf(head?.value, contents);
    const before = this.#state;
    const index = before && (await this.#extended(before, head?.value, contents));
    if (index) return { head, base, contents, index: index.as(facts) };
    const headers =
      contents.expected === undefined
        ? []
        : await this.headers(contents.segments, contents.expected);
    const folded = new LayeredIndex(facts, new Folded(contents, headers));
    return { head, base, contents, index: folded };
  }

  async #read(): Promise<GalleryState> {
    for (let attempt = 1; ; attempt++) {
      const known = this.#state;
      const [headObject, baseObject] = await Promise.all([
        this.#bucket.getIfChanged(peopleKeys.head, known?.head?.etag),
        this.#bucket.getIfChanged(peopleKeys.base, known?.base?.etag),
      ]);
      const head =
        headObject === 'unchanged' ? known?.head : parsed(headObject, headSchema, 'head');
      const base = baseObject === 'unchanged' ? known?.base : readBase(baseObject, head);
      const isSame = head?.etag === known?.head?.etag && (head ?? base?.etag === known?.base?.etag);
      if (known && isSame) {
        const state = { ...known, base };
        this.#state = state;
        return state;
      }
      try {
        const state = await this.stateOf(head, base);
        const newest = this.#state;
        // A change of this node may have been written meanwhile.
        if (newest && newest !== known && newest.index.version >= state.index.version)
          return newest;
        this.#state = state;
        this.#forget(state);
        return state;
      } catch (error) {
        if (!(error instanceof OutdatedError) || attempt === 5) throw error;
      }
    }
  }

  /** The known index with what a newer head has added; undefined where it has to be folded. */
  async #extended(
    { head: known, contents: before, index }: GalleryState,
    head: GalleryHead | undefined,
    { segments, removed, expected }: Contents,
  ): Promise<LayeredIndex | undefined> {
    if (!known || !head || !expected || expected.encoder !== before.expected?.encoder) {
      return undefined;
    }
    if (head.sameAs === known.value.version) return index;
    if (!startsWith(segments, before.segments)) return undefined;
    const added = segments.slice(before.segments.length);
    const size = added.reduce((sum, { people, faces }) => sum + people + faces, 0);
    const removedBefore = new Set(before.removed);
    const newlyRemoved = removed.filter((id) => !removedBefore.has(id));
    const most = Math.max(LEAST_CHANGES_TO_FOLD, index.faces / 20);
    if (index.changes + size + newlyRemoved.length > most) return undefined;
    const headers = await this.headers(added, expected);
    // An id that is back may have come back in two ways: as a new record, or as the old one by a rollback.
    const put = new Set(headers.flatMap(({ people }) => people.map(({ id }) => id)));
    for (const { faces } of headers) for (let i = 0; i < faces.count; i++) put.add(faces.at(i).id);
    const isRemoved = new Set(removed);
    if (before.removed.some((id) => !isRemoved.has(id) && !put.has(id))) return undefined;
    const extended = index.as(index);
    extended.takeIn(headers, newlyRemoved);
    return extended;
  }

  async #readHeader(ref: SegmentRef, expected: Expected): Promise<SegmentHeader> {
    const bytes = await this.#range(ref, 0, embeddingsStart(ref, expected.length));
    return readSegmentHeader(bytes, ref, expected);
  }

  async #range(ref: SegmentRef, start: number, end: number): Promise<Buffer> {
    if (end <= start || start < 0) {
      throw new SegmentError(`The gallery's head lists '${ref.key}' with a size that cannot be.`);
    }
    const bytes = await this.#bucket.getRange(ref.key, start, end);
    if (bytes?.length === end - start) return bytes;
    throw new OutdatedError(
      `The gallery segment '${ref.key}' is ${bytes ? 'torn' : 'missing'}. The old gallery is kept; roll back to an earlier version.`,
    );
  }

  /** Headers that the live version does not list are not needed again. */
  #forget({ contents }: GalleryState): void {
    if (this.#headers.size <= contents.segments.length) return;
    const kept = new Map<string, SegmentHeader>();
    for (const { sha256 } of contents.segments) {
      const header = this.#headers.get(sha256);
      if (header) kept.set(sha256, header);
    }
    this.#headers = kept;
  }
}

/** With a head, a base that is damaged is only not taken in. */
function readBase(object: Stored | undefined, head: GalleryState['head']): GalleryState['base'] {
  try {
    return parsed(object, baseSchema, 'base');
  } catch (error) {
    if (head === undefined) throw error;
    return undefined;
  }
}
