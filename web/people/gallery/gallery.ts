/** The live gallery as routes use it: what one node has changed, every node sees in its next request. */

import type { GalleryVersion } from '../../../cloud/redis/gallery-version.ts';
import { GalleryChangeError, GalleryVersionError } from '../../../people/errors.ts';
import type { Change, GalleryIndex, PersonRecord } from '../../../people/records.ts';
import type { GalleryStore } from '../../../people/store.ts';
import { HttpError } from '../../http-error.ts';
import { peopleError } from '../errors.ts';

/** For how long Redis alone is asked for the newest version. */
const SURE_MS = 5000;

export interface LiveGallery {
  /** Newest version that this node knows of. */
  readonly known: number | undefined;
  /** As it is now, with every change that any node has answered. */
  now(): Promise<GalleryIndex>;
  /**
   * Resolves with the first version that has the change, once it is announced to all nodes and workers.
   * @param make sees the gallery that the change is applied to, and may throw to refuse it
   */
  change(make: (index: GalleryIndex) => Change): Promise<number>;
  /** Resolves with the new version, once it is announced. */
  rollback(version: number): Promise<number>;
  /** @throws {HttpError} 409 for a version that is not written yet, which no worker could ever have */
  require(version: number | undefined): Promise<void>;
  /** Lets all nodes and workers know of a version. */
  announce(version: number): Promise<void>;
}

export interface LiveGalleryParts {
  readonly store: Pick<GalleryStore, 'index' | 'change' | 'rollback'>;
  /** Of Redis. */
  readonly versions: Pick<GalleryVersion, 'newest' | 'announce'>;
  readonly onSeen?: (version: number) => void;
}

export function openLiveGallery({ store, versions, onSeen }: LiveGalleryParts): LiveGallery {
  let known: number | undefined;
  let checkedAt = Number.NEGATIVE_INFINITY;
  const seen = (version: number): number => {
    if (version > (known ?? -1)) onSeen?.(version);
    known = Math.max(known ?? 0, version);
    return version;
  };
  const announce = async (version: number): Promise<void> => {
    seen(version);
    await versions.announce(version);
  };
  const now = async (): Promise<GalleryIndex> => {
    const newest = await versions.newest();
    // Redis may be away, or have missed a version whose node died: then the bucket is asked.
    const isSure = newest !== undefined && performance.now() - checkedAt < SURE_MS;
    const options = isSure ? { atLeast: Math.max(known ?? 0, newest) } : {};
    if (!isSure) checkedAt = performance.now();
    const index = await store.index(options).catch(galleryFailure);
    seen(index.version);
    return index;
  };
  return {
    announce,
    now,
    get known() {
      return known;
    },
    async require(version) {
      if (version === undefined || version <= (known ?? 0)) return;
      const live = (await now()).version;
      if (version > live) throw peopleError.futureVersion(version, live);
    },
    async rollback(to) {
      const { version } = await store.rollback(to).catch(galleryFailure);
      await announce(version);
      return version;
    },
    async change(make) {
      const { version } = await store.change(make).catch(galleryFailure);
      await announce(version);
      return version;
    },
  };
}

export function galleryFailure(error: unknown): never {
  if (error instanceof HttpError) throw error;
  if (error instanceof GalleryChangeError) throw peopleError.refusedChange(error.message, error);
  if (error instanceof GalleryVersionError) throw peopleError.unknownVersion(error.message, error);
  throw peopleError.unavailable(error);
}

/** Expired people are as good as forgotten, which a sweep does to them soon. */
export function isExpired({ expires }: PersonRecord, now = Date.now()): boolean {
  return expires !== undefined && Date.parse(expires) <= now;
}

/** @throws {HttpError} 404 */
export function personOf(index: GalleryIndex, id: string): PersonRecord {
  const record = index.people.get(id.toLowerCase());
  if (record === undefined || isExpired(record)) throw nobody(index);
  return record;
}

/** Whether neither a worker nor a change has written anything yet. */
export function isUnpublished({ encoder, people }: GalleryIndex): boolean {
  return encoder === undefined && people.size === 0;
}

/** Why a person is not found. */
export function nobody(index: GalleryIndex): HttpError {
  return isUnpublished(index) ? peopleError.notPublished() : peopleError.unknownPerson();
}
