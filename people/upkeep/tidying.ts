/** Deletes what no version needs: versions over the number that is kept, their segments, and orphans. */
import { peopleKeys, type SegmentRef } from '../head.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import type { GalleryReader } from '../read/reader.ts';
import type { KeptVersion, Versions } from './versions.ts';

/** A worker that still loads an older version is given this time before its segments go. */
const GRACE_MS = 30_000;
/** A segment that no head lists may be of a change or an import under way. */
const ORPHAN_MS = 24 * 3_600_000;
const ORPHANS_EVERY_MS = 3_600_000;

export interface TidyTimes {
  readonly graceMs?: number;
  readonly orphanMs?: number;
  readonly orphansEveryMs?: number;
}

export class Tidying {
  readonly #bucket: PeopleBucket;
  readonly #reader: GalleryReader;
  readonly #versions: Versions;
  readonly #times: Required<TidyTimes>;
  #orphansAt = Number.NEGATIVE_INFINITY;

  constructor(bucket: PeopleBucket, reader: GalleryReader, versions: Versions, times: TidyTimes) {
    this.#bucket = bucket;
    this.#reader = reader;
    this.#versions = versions;
    this.#times = {
      graceMs: times.graceMs ?? GRACE_MS,
      orphanMs: times.orphanMs ?? ORPHAN_MS,
      orphansEveryMs: times.orphansEveryMs ?? ORPHANS_EVERY_MS,
    };
  }

  async run(): Promise<void> {
    const { head, base } = await this.#reader.refresh();
    if (head === undefined) return;
    const all = await this.#versions.list();
    const live = head.value.version;
    const isKept = ({ head: { version, at } }: KeptVersion): boolean =>
      version >= live ||
      this.#versions.isKept(version, live) ||
      Date.parse(at) > Date.now() - this.#times.graceMs;
    const kept = all.filter(isKept);
    const needed = new Set(
      [head.value, ...kept.map((one) => one.head), ...(base ? [base.value] : [])].flatMap(keysOf),
    );
    const over = all.filter((one) => !isKept(one));
    const unneeded = over.flatMap((one) => keysOf(one.head)).filter((key) => !needed.has(key));
    // A version whose segments are half gone is over the number already; without its own object, they would
    // be orphans.
    await this.#bucket.delete([...new Set(unneeded)]);
    await this.#bucket.delete(over.map(({ key }) => key));
    if (performance.now() - this.#orphansAt < this.#times.orphansEveryMs) return;
    this.#orphansAt = performance.now();
    const before = Date.now() - this.#times.orphanMs;
    const listed = await this.#bucket.list(peopleKeys.segments);
    const orphans = listed.filter(({ key, modified }) => !needed.has(key) && modified < before);
    await this.#bucket.delete(orphans.map(({ key }) => key));
  }
}

function keysOf({ segments }: { segments: readonly SegmentRef[] }): string[] {
  return segments.map(({ key }) => key);
}
