/** The live gallery in its bucket: what the web tier reads and changes. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { Logger } from '../runtime/log.ts';
import { SegmentError } from './errors.ts';
import { NoPeopleBucketError, PeopleBucket } from './read/bucket.ts';
import { contentsOf, factsOf, type GalleryState } from './read/contents.ts';
import { withEmbeddings } from './read/embeddings.ts';
import { exportLines } from './read/exporting.ts';
import { Folded } from './read/folded.ts';
import { LayeredIndex } from './read/layered.ts';
import { GalleryReader } from './read/reader.ts';
import type { Change, FaceMeta, FaceRecord, GalleryIndex, PersonRecord } from './records.ts';
import { type ErasureReport, erase, scrubBase } from './upkeep/erasure.ts';
import { Maintenance } from './upkeep/maintenance.ts';
import { Merging } from './upkeep/merging.ts';
import { Rewriting } from './upkeep/rewriting.ts';
import { Tidying, type TidyTimes } from './upkeep/tidying.ts';
import { Versions } from './upkeep/versions.ts';
import { Adoption } from './write/adoption.ts';
import { Committer } from './write/committer.ts';
import { HeadWriter } from './write/head-writer.ts';
import { type ImportReport, importPeople } from './write/importing.ts';
import { goBack } from './write/rescue.ts';

export type { ErasureReport } from './upkeep/erasure.ts';
export type { ImportReport } from './write/importing.ts';

export interface GalleryVersion {
  readonly version: number;
  readonly at: string;
  /** What changed, without names. */
  readonly change: string;
  readonly faces: number;
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
  /**
   * Writes a version with the contents of an earlier one, or with the base's for 0; also where the newest version is
   * damaged and takes no other change.
   * @returns the new version
   */
  rollback(version: number): Promise<{ version: number }>;
  /** The live version, unless it is damaged, and those that `rollback` can bring back, newest first. */
  versions(): Promise<GalleryVersion[]>;
  /** Faces of the newest version with their embeddings; those that are gone are left out. */
  embeddingsOf(faces: readonly FaceMeta[]): Promise<FaceRecord[]>;
  /**
   * Removes people with their faces, or single faces, from every object of the bucket, also from kept versions.
   * @param words for the list of versions, without names
   */
  erase(ids: readonly string[], words?: string): Promise<ErasureReport>;
  /** The live gallery as a file, in pieces; `readExchange` says what it looks like. Empty if there is no live gallery. */
  export(): AsyncGenerator<string>;
  /**
   * Takes in such a file as one change. A person with the same id is replaced, and keeps the faces that the file
   * does not have.
   */
  import(source: AsyncIterable<Uint8Array>): Promise<ImportReport>;
  /** Takes in the base that a worker has published. @returns the version; undefined when it is taken in already */
  takeBase(): Promise<number | undefined>;
  /** People whose `expires` is over. */
  expired(now?: Date): Promise<PersonRecord[]>;
  /** Resolves when nothing is being written or tidied up any more. */
  close(): Promise<void>;
}

export interface GalleryOptions {
  readonly s3: S3Client;
  /** The people bucket. */
  readonly bucket: string;
  /** GALLERY_VERSIONS: earlier versions that are kept. */
  readonly versions: number;
  /** Called after each change of this node; must not throw. */
  readonly onChange?: (version: number) => void;
  readonly log: Logger;
  /** How long what no version lists is left alone; for tests. */
  readonly tidy?: TidyTimes;
}

export function openGallery(options: GalleryOptions): GalleryStore {
  const { log, onChange = () => {} } = options;
  const bucket = new PeopleBucket(options.s3, options.bucket);
  const reader = new GalleryReader(bucket);
  const versions = new Versions(bucket, reader, options.versions);
  const committer = new Committer({
    bucket,
    reader,
    writer: new HeadWriter(bucket),
    rollback: (version) => versions.rollback(version),
    onWritten: (version) => onWritten(version),
    log,
  });
  const onWritten = (version: number): void => {
    onChange(version);
    maintenance.poke();
  };
  const rewriting = new Rewriting(bucket, reader);
  const merging = new Merging(reader, committer, rewriting, log);
  const adoption = new Adoption(reader, committer, rewriting, log);
  const tidying = new Tidying(bucket, reader, versions, options.tidy ?? {});
  const parts = { bucket, reader, committer, rewriting, versions };
  const takeBase = async (): Promise<number | undefined> => {
    const version = await adoption.run();
    if (version !== undefined) await scrubBase(parts);
    return version;
  };
  const maintenance = new Maintenance({
    work: async () => (await takeBase()) !== undefined || merging.run(),
    tidy: () => tidying.run(),
    log,
  });
  const read = currentState(reader, log);
  const current = async (): Promise<GalleryState> => {
    const state = await read();
    if (adoption.isDue(state)) maintenance.poke();
    return state;
  };
  return {
    async index({ atLeast } = {}) {
      const known = reader.state?.index;
      if (known && atLeast !== undefined && known.version >= atLeast) return known;
      return (await current()).index;
    },
    change: (make) => committer.change(make),
    async rollback(version) {
      try {
        return await committer.change(() => ({ kind: 'rollback', version }));
      } catch (error) {
        if (!(error instanceof SegmentError)) throw error;
        const written = await goBack(version, { bucket, versions });
        log.warn({ version: written, reason: error.message }, 'Replaced a damaged gallery');
        onWritten(written);
        return { version: written };
      }
    },
    async versions() {
      const state = await current().catch((error: unknown) => {
        if (error instanceof SegmentError) return undefined;
        throw error;
      });
      if (state && state.head === undefined) return [];
      const live = state?.head?.value;
      const all = await versions.list();
      const kept = all.filter(
        ({ head: { version } }) => live === undefined || versions.isKept(version, live.version),
      );
      return [...kept.map((one) => one.head), ...(live ? [live] : [])]
        .map(({ version, at, change, faces }) => ({ version, at, change, faces }))
        .reverse();
    },
    async embeddingsOf(faces) {
      return withEmbeddings(reader, (await current()).contents, faces);
    },
    erase: (ids, words = 'forget 1 person') => erase(parts, ids, words),
    export: () => exportLines(reader, current),
    import: (source) => importPeople(parts, source),
    async takeBase() {
      await reader.refresh();
      return takeBase();
    },
    async expired(now = new Date()) {
      const { index } = await current();
      return [...index.people.values()].filter(
        ({ expires }) => expires !== undefined && Date.parse(expires) <= now.getTime(),
      );
    },
    async close() {
      await committer.idle();
      await maintenance.close();
    },
  };
}

/**
 * Reads the live version. A project without a people bucket has the model's own gallery, and one whose head or
 * segments are damaged keeps the last good version; each is logged once.
 */
function currentState(reader: GalleryReader, log: Logger): () => Promise<GalleryState> {
  let logged: string | undefined;
  const warn = (err: Error): void => {
    if (logged !== err.message) log.warn({ err }, 'The live gallery cannot be used');
    logged = err.message;
  };
  return async () => {
    try {
      const state = await reader.refresh();
      logged = undefined;
      return state;
    } catch (error) {
      if (error instanceof NoPeopleBucketError) {
        warn(error);
        return NOTHING;
      }
      if (!(error instanceof SegmentError) || reader.state === undefined) throw error;
      warn(error);
      return reader.state;
    }
  };
}

const nothing = contentsOf(undefined, undefined);
const NOTHING: GalleryState = {
  head: undefined,
  base: undefined,
  contents: nothing,
  index: new LayeredIndex(factsOf(undefined, nothing), new Folded(nothing, [])),
};
