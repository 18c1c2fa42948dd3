/**
 * Keeps the number of segments small: the youngest ones are merged into one, with older ones that are not much
 * larger, so that each record is rewritten only a few times. Full segments stay as they are.
 */
import type { Logger } from '../../runtime/log.ts';
import type { SegmentRef } from '../head.ts';
import { type GalleryState, startsWith } from '../read/contents.ts';
import { type GalleryReader, OutdatedError } from '../read/reader.ts';
import type { SegmentHeader } from '../segment.ts';
import type { Committer, NewContents } from '../write/committer.ts';
import type { Rewriting } from './rewriting.ts';

/** A segment of 512-dimensional faces of this size takes 134 MB. */
export const FULL_FACES = 65_536;
const MOST_SEGMENTS = 32;
/** Youngest segments that are always merged, whatever their sizes. */
const LEAST_MERGED = 8;
/** An older segment is merged with younger ones when it is at most this many times their sum. */
const FACTOR = 4;
/** Removed ids that the head may list before they are taken out of their segments. */
const MOST_REMOVED = 2000;

type Window = readonly [start: number, end: number];
type Size = Pick<SegmentRef, 'people' | 'faces'>;

export class Merging {
  readonly #reader: GalleryReader;
  readonly #committer: Committer;
  readonly #rewriting: Rewriting;
  readonly #log: Logger;

  constructor(reader: GalleryReader, committer: Committer, rewriting: Rewriting, log: Logger) {
    this.#reader = reader;
    this.#committer = committer;
    this.#rewriting = rewriting;
    this.#log = log;
  }

  /** Merges once if there is something to merge. @returns whether a new head was written */
  async run(): Promise<boolean> {
    const { state } = this.#reader;
    const { head, contents } = state ?? {};
    const { expected } = contents ?? {};
    if (!head || !contents || !expected) return false;
    const { segments, removed } = contents;
    const headers = await this.#reader.headers(segments, expected);
    const window = mergeWindow(segments) ?? windowOfRemoved(headers, removed);
    if (window === undefined) return false;
    const refs = segments.slice(...window);
    const isRemoved = new Set(removed);
    const merged = await this.#rewriting
      .join(refs, expected, (id) => isRemoved.has(id))
      .catch((error: unknown) => {
        if (error instanceof OutdatedError) return undefined;
        throw error;
      });
    if (merged === undefined) return false;
    const version = await this.#committer.rewrite(async (now) => {
      if (!fits(now, segments, merged.leftOut)) return undefined;
      return this.#contents(now, window, merged);
    });
    if (version === undefined) await this.#rewriting.delete([merged.ref]);
    else this.#log.debug({ version, segments: refs.length }, 'Merged gallery segments');
    return version !== undefined;
  }

  async #contents(
    { head, contents: { segments, removed, removedFromBase, base }, index }: GalleryState,
    [start, end]: Window,
    { ref, leftOut }: { ref: SegmentRef | undefined; leftOut: ReadonlySet<string> },
  ): Promise<NewContents> {
    const { encoder, length, version } = head!.value;
    const others = [...segments.slice(0, start), ...segments.slice(end)];
    const elsewhere = idsIn(await this.#reader.headers(others, head!.value), leftOut);
    return {
      encoder,
      length,
      base,
      removedFromBase,
      segments: [...segments.slice(0, start), ...(ref ? [ref] : []), ...segments.slice(end)],
      removed: removed.filter((id) => !leftOut.has(id) || elsewhere.has(id)),
      people: index.people.size,
      faces: index.faces,
      sameAs: version,
      change: 'merge segments',
    };
  }
}

/** Whether what was merged still is what it was: segments were only added, and what was left out is still removed. */
function fits(
  { head, contents: { segments, removed } }: GalleryState,
  merged: readonly SegmentRef[],
  leftOut: ReadonlySet<string>,
): boolean {
  if (head === undefined || !startsWith(segments, merged)) return false;
  const isRemoved = new Set(removed);
  return [...leftOut].every((id) => isRemoved.has(id));
}

/** Which segments to merge now, from the first index to before the second; undefined: none. */
export function mergeWindow(segments: readonly Size[]): Window | undefined {
  if (segments.filter((one) => !isFull(one)).length <= MOST_SEGMENTS) return undefined;
  for (let end = segments.length; end >= 2; end--) {
    const start = startOf(segments, end);
    if (end - start >= 2) return [start, end];
  }
  return undefined;
}

function startOf(segments: readonly Size[], end: number): number {
  let start = end;
  let faces = 0;
  let sum = 0;
  for (; start > 0; start--) {
    const older = segments[start - 1]!;
    if (isFull(older) || faces + older.faces > FULL_FACES) break;
    if (end - start >= LEAST_MERGED && older.people + older.faces > FACTOR * sum) break;
    faces += older.faces;
    sum += older.people + older.faces;
  }
  return start;
}

function isFull({ faces }: Size): boolean {
  // Two that are half full would make one that is over the bound, or stay for ever.
  return faces > FULL_FACES / 2;
}

/** The segment that holds most of the removed ids, where there are many. */
function windowOfRemoved(
  headers: readonly SegmentHeader[],
  removed: readonly string[],
): Window | undefined {
  if (removed.length <= MOST_REMOVED) return undefined;
  const isRemoved = new Set(removed);
  const counts = headers.map((header) => idsIn([header], isRemoved).size);
  const most = counts.indexOf(Math.max(...counts));
  return counts[most] === 0 ? undefined : [most, most + 1];
}

/** Which of some ids segments hold, as people or as faces. */
export function idsIn(
  headers: readonly SegmentHeader[],
  wanted: ReadonlySet<string>,
): ReadonlySet<string> {
  const found = new Set<string>();
  if (wanted.size === 0) return found;
  for (const { people, faces } of headers) {
    for (const { id } of people) if (wanted.has(id)) found.add(id);
    for (let i = 0; i < faces.count; i++) {
      const id = faces.idAt(i);
      if (wanted.has(id)) found.add(id);
    }
    for (const id of faces.persons) if (wanted.has(id)) found.add(id);
  }
  return found;
}
