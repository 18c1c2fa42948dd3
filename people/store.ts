/** The live gallery in its bucket: what the web tier reads and changes. */
import type { Change, FaceMeta, FaceRecord, GalleryIndex, PersonRecord } from './records.ts';

export interface GalleryVersion {
  readonly version: number;
  readonly at: string;
  /** What changed, without names. */
  readonly change: string;
  readonly faces: number;
}

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

export interface GalleryStore {
  /** The gallery as it is now, or cached where that has at least this version. */
  index(options?: { atLeast?: number }): Promise<GalleryIndex>;
  /**
   * Changes the gallery. Changes that arrive meanwhile are written together.
   * @param make sees the gallery that the change will be applied to; may throw to refuse it; is called again
   *   when another node was faster
   * @returns the first version with the change
   */
  change(make: (index: GalleryIndex) => Change | Promise<Change>): Promise<{ version: number }>;
  /** The live version and those that `rollback` can bring back, newest first. */
  versions(): Promise<GalleryVersion[]>;
  /** Faces of the newest version with their embeddings; those that are gone are left out. */
  embeddingsOf(faces: readonly FaceMeta[]): Promise<FaceRecord[]>;
  /** Removes people with their faces, or single faces, from every object of the bucket. */
  erase(ids: readonly string[], words?: string): Promise<ErasureReport>;
  /** People whose `expires` is over. */
  expired(now?: Date): Promise<PersonRecord[]>;
  /** Resolves when nothing is being written or tidied up any more. */
  close(): Promise<void>;
}
