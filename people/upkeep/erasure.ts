/**
 * Erases people and faces from every object of the people bucket: the head, every kept version, the base, segments
 * that nothing lists, and kept photos. Segments are rewritten without them, and the old ones deleted.
 */
import { type GalleryHead, peopleKeys, type SegmentRef } from '../head.ts';
import { foldSegments } from '../load.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import type { GalleryState } from '../read/contents.ts';
import { type GalleryReader, OutdatedError } from '../read/reader.ts';
import { type Expected, peekHeader, type SegmentHeader } from '../segment.ts';
import { isBaseId } from '../segments/ids.ts';
import type { Committer, NewContents } from '../write/committer.ts';
import { idsIn } from './merging.ts';
import type { Rewriting } from './rewriting.ts';
import { targetsOf } from './targets.ts';
import type { Versions } from './versions.ts';

/** Other nodes may add a version while this one erases. */
const MOST_PASSES = 10;
const JSON_TYPE = 'application/json';

/** What an erasure removed; counts of objects that were rewritten or deleted. */
export interface ErasureReport {
  /** First gallery version without the ids. */
  readonly version: number;
  readonly people: number;
  readonly faces: number;
  readonly segments: number;
  readonly versions: number;
  /** Kept photos of enrolled people. */
  readonly photos: number;
}

interface Parts {
  readonly bucket: PeopleBucket;
  readonly reader: GalleryReader;
  readonly committer: Committer;
  readonly rewriting: Rewriting;
  readonly versions: Versions;
}

/** @param ids of people, whose faces go with them, or of faces */
export async function erase(
  parts: Parts,
  ids: readonly string[],
  words: string,
): Promise<ErasureReport> {
  const { reader, committer, versions } = parts;
  const all = await allSegments(parts);
  const { people, faces } = targetsOf(ids, all, (await reader.refresh()).index);
  const targets = new Set([...people, ...faces]);
  const { version } = await committer.change(() => ({ kind: 'remove', ids: [...targets], words }));
  const run = new Erasing(parts, targets, version);
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    // A version that is kept while the head is rewritten is found by the next pass.
    const headIsNew = await run.head();
    const keptAreNew = await run.kept(await versions.list());
    const baseIsNew = await run.base();
    if (!headIsNew && !keptAreNew && !baseIsNew) break;
  }
  await run.deleteOld();
  return {
    version,
    people: people.size,
    faces: faces.size,
    segments: run.segments,
    versions: run.versions,
    photos: await deletePhotos(parts.bucket, people, faces),
  };
}

/**
 * Takes those out of a new base who were removed while a worker wrote it: it can have read the head too early.
 * Changes neither the head nor a kept version.
 */
export async function scrubBase(parts: Parts): Promise<void> {
  const { head, contents } = await parts.reader.refresh();
  if (head === undefined) return;
  const run = new Erasing(parts, new Set(contents.removedFromBase), head.value.version);
  if (await run.base()) await run.deleteOld();
}

class Erasing {
  readonly #parts: Parts;
  readonly #targets: ReadonlySet<string>;
  /** By SHA-256 of the old segment; undefined when nothing was left. */
  readonly #rewritten = new Map<string, SegmentRef | undefined>();
  readonly #old = new Map<string, SegmentRef>();
  readonly #removedIn: number;
  versions = 0;

  /** @param removedIn the version that left the ids out */
  constructor(parts: Parts, targets: ReadonlySet<string>, removedIn: number) {
    this.#parts = parts;
    this.#targets = targets;
    this.#removedIn = removedIn;
  }

  get segments(): number {
    return this.#old.size;
  }

  /** @returns whether anything was written */
  async head(): Promise<boolean> {
    const { committer } = this.#parts;
    const version = await committer.rewrite(async ({ head, contents, index }: GalleryState) => {
      if (head === undefined) return undefined;
      // Another node may have merged the segments without them: workers wait for the mark all the same.
      const isMarked = (head.value.erased ?? 0) > this.#removedIn;
      const { segments, removed, removedFromBase, base } = contents;
      const unchanged = isMarked ? undefined : { segments, removed, removedFromBase };
      const next = (await this.#without(head.value)) ?? unchanged;
      if (next === undefined) return undefined;
      const counts = { people: index.people.size, faces: index.faces };
      const { encoder, length, version: sameAs } = head.value;
      return {
        ...next,
        ...counts,
        encoder,
        length,
        base,
        sameAs,
        change: 'erase segments',
        isErasure: true,
      };
    });
    return version !== undefined;
  }

  async kept(list: Awaited<ReturnType<Versions['list']>>): Promise<boolean> {
    let isNew = false;
    for (const { key, etag, head } of list) {
      const next = await this.#without(head).catch((error: unknown) => {
        if (!(error instanceof OutdatedError)) throw error;
        return undefined;
      });
      if (next === undefined) continue;
      isNew = true;
      const headers = await this.#parts.reader.headers(next.segments, head);
      const fold = foldSegments(next, headers);
      const counts = { people: fold.people.length, faces: fold.faces };
      const body = JSON.stringify({ ...head, ...next, ...counts });
      if (await this.#parts.bucket.putIf(key, body, JSON_TYPE, { etag })) this.versions += 1;
    }
    return isNew;
  }

  async base(): Promise<boolean> {
    const { base } = await this.#parts.reader.refresh();
    if (base === undefined) return false;
    const next = await this.#without({ ...base.value, removed: [], removedFromBase: [] });
    if (next === undefined) return false;
    const body = JSON.stringify({ ...base.value, segments: next.segments });
    await this.#parts.bucket.putIf(peopleKeys.base, body, JSON_TYPE, { etag: base.etag });
    return true;
  }

  /** Old segments, and those of no head that hold the ids: of a change that has failed, or is bound to. */
  async deleteOld(): Promise<void> {
    const { bucket, reader } = this.#parts;
    const listed = new Set((await allSegments(this.#parts)).map(({ ref }) => ref.key));
    const old = [...this.#old.values()].filter(({ key }) => !listed.has(key));
    await bucket.delete(old.map(({ key }) => key));
    reader.unknow(old);
    for (const { key } of await bucket.list(peopleKeys.segments)) {
      if (listed.has(key)) continue;
      const header = peekHeader((await bucket.get(key))?.bytes);
      if (header && idsIn([header], this.#targets).size > 0) await bucket.delete([key]);
    }
  }

  /** @returns undefined when there is nothing to erase */
  async #without(
    head: Pick<GalleryHead, 'segments' | 'removed' | 'removedFromBase'> & Expected,
  ): Promise<Pick<NewContents, 'segments' | 'removed' | 'removedFromBase'> | undefined> {
    const { encoder, length } = head;
    const segments: SegmentRef[] = [];
    let isNew = head.removed.some((id) => this.#targets.has(id));
    for (const ref of head.segments) {
      const kept = await this.#segment(ref, { encoder, length });
      if (kept !== ref) isNew = true;
      if (kept) segments.push(kept);
    }
    if (!isNew) return undefined;
    const fromBase = [...this.#targets].filter(isBaseId);
    return {
      segments,
      removed: head.removed.filter((id) => !this.#targets.has(id)),
      removedFromBase: [...new Set([...head.removedFromBase, ...fromBase])],
    };
  }

  async #segment(ref: SegmentRef, expected: Expected): Promise<SegmentRef | undefined> {
    if (this.#rewritten.has(ref.sha256)) return this.#rewritten.get(ref.sha256);
    const { reader, rewriting } = this.#parts;
    const headers = await reader.headers([ref], expected);
    if (idsIn(headers, this.#targets).size === 0) return ref;
    const joined = await rewriting.join([ref], expected, (id) => this.#targets.has(id));
    this.#rewritten.set(ref.sha256, joined.ref);
    this.#old.set(ref.sha256, ref);
    return joined.ref;
  }
}

/** Every segment that the live head, a kept version or the base lists, once. */
async function allSegments({
  reader,
  versions,
}: Parts): Promise<{ ref: SegmentRef; header: SegmentHeader }[]> {
  const { contents, base } = await reader.refresh();
  const found = new Map<string, { ref: SegmentRef; header: SegmentHeader }>();
  const add = async (refs: readonly SegmentRef[], expected: Expected): Promise<void> => {
    const headers = await reader.headers(refs, expected);
    for (const [i, ref] of refs.entries()) found.set(ref.key, { ref, header: headers[i]! });
  };
  if (contents.expected) await add(contents.segments, contents.expected);
  if (base) await add(base.value.segments, base.value);
  for (const { head } of await versions.list()) {
    await add(head.segments, head).catch((error: unknown) => {
      // A version over the number, whose segments are being deleted: what is left of them is of no head.
      if (!(error instanceof OutdatedError)) throw error;
    });
  }
  return [...found.values()];
}

async function deletePhotos(
  bucket: PeopleBucket,
  people: ReadonlySet<string>,
  faces: ReadonlySet<string>,
): Promise<number> {
  const listed = await bucket.list(peopleKeys.allPhotos);
  const own = listed.filter(({ key }) => {
    const [, person = '', face = ''] = /^people\/([^/]+)\/([^/.]+)/.exec(key) ?? [];
    return people.has(person) || faces.has(face);
  });
  await bucket.delete(own.map(({ key }) => key));
  return own.length;
}
