/** Earlier versions of the gallery: which are kept, and the way back to one of them. */
import { GalleryVersionError } from '../errors.ts';
import { baseSchema, type GalleryHead, headSchema, peopleKeys } from '../head.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import { contentsOf, parsed } from '../read/contents.ts';
import type { GalleryReader } from '../read/reader.ts';
import type { NewContents, Rewrite } from '../write/committer.ts';

export interface KeptVersion {
  readonly key: string;
  readonly etag: string;
  readonly head: GalleryHead;
}

export class Versions {
  readonly #bucket: PeopleBucket;
  readonly #reader: GalleryReader;
  readonly #most: number;
  /** By key. */
  readonly #read = new Map<string, KeptVersion>();

  /** @param most GALLERY_VERSIONS */
  constructor(bucket: PeopleBucket, reader: GalleryReader, most: number) {
    this.#bucket = bucket;
    this.#reader = reader;
    this.#most = most;
  }

  /** Whether a rollback may go there, and its segments must stay. */
  isKept(version: number, live: number): boolean {
    return version < live && version >= live - this.#most;
  }

  /** All earlier heads in the bucket, also those that are to be deleted; oldest first. */
  async list(): Promise<KeptVersion[]> {
    const listed = await this.#bucket.list(peopleKeys.versions);
    const there = new Set(listed.map(({ key }) => key));
    for (const key of this.#read.keys()) if (!there.has(key)) this.#read.delete(key);
    const kept = await Promise.all(
      listed.map(async ({ key, etag }) => {
        const known = this.#read.get(key);
        return known?.etag === etag ? known : this.#get(key);
      }),
    );
    return kept
      .flatMap((one) => (one === undefined ? [] : [one]))
      .sort((a, b) => a.head.version - b.head.version);
  }

  /** @returns how a head with the contents of an earlier one is made */
  rollback(version: number): Rewrite {
    return async ({ head }) => {
      if (head === undefined) throw notKept(version);
      return this.contentsOf(version, head.value);
    };
  }

  /**
   * @param live which it is to replace
   * @throws {GalleryVersionError} when it is not kept
   * @throws {SegmentError} when it is damaged
   */
  async contentsOf(version: number, live: GalleryHead): Promise<NewContents> {
    // The base is always there: also for a model with another encoder, whose people cannot be added to these.
    if (version === 0) return this.#toBase(live);
    if (version >= live.version || !this.isKept(version, live.version)) throw notKept(version);
    return this.#to(version, live);
  }

  async #to(version: number, live: GalleryHead): Promise<NewContents> {
    const kept = await this.#get(peopleKeys.version(version));
    if (kept === undefined) throw notKept(version);
    const { head } = kept;
    // All of it must be there and in order before it is brought back.
    await this.#reader.headers(head.segments, head);
    const { encoder, length, segments, removed, removedFromBase, people, faces } = head;
    return {
      ...{ encoder, length, segments, removed, removedFromBase, people, faces },
      // The people of a newer base were there and are not wanted.
      base: live.base,
      change: `roll back to version ${version}`,
    };
  }

  /** Before the first change there was the base. */
  async #toBase(live: GalleryHead): Promise<NewContents> {
    const base = parsed(await this.#bucket.get(peopleKeys.base), baseSchema, 'base');
    const contents = contentsOf(undefined, base?.value);
    const state = await this.#reader.stateOf(undefined, base, contents);
    const { index } = state;
    const isThere = (id: string): boolean => index.people.has(id) || index.face(id) !== undefined;
    return {
      ...(contents.expected ?? { encoder: live.encoder, length: live.length }),
      segments: contents.segments,
      removed: [],
      // Those who were erased must not come back with a newer base.
      removedFromBase: live.removedFromBase.filter((id) => !isThere(id)),
      base: contents.base,
      people: index.people.size,
      faces: index.faces,
      change: 'roll back to version 0',
    };
  }

  async #get(key: string): Promise<KeptVersion | undefined> {
    const found = await this.#bucket.get(key);
    if (found === undefined) return undefined;
    const head = parseHead(found.bytes);
    if (head === undefined) return undefined;
    const kept = { key, etag: found.etag, head };
    this.#read.set(key, kept);
    return kept;
  }
}

/** @returns undefined for what is no head that this program can read */
export function parseHead(bytes: Buffer): GalleryHead | undefined {
  try {
    return headSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function notKept(version: number): GalleryVersionError {
  return new GalleryVersionError(
    `Gallery version ${version} is not kept: choose one that the list of versions names.`,
  );
}
