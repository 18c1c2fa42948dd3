/** The head of a live gallery: one version of it, as the segments that make it up. Reads and writes nothing. */
import { z } from 'zod';

/** Keys in the people bucket; docs/design/11-people.md says what each holds. */
export const peopleKeys = {
  head: 'gallery/head.json',
  base: 'gallery/base.json',
  versions: 'gallery/versions/',
  version: (version: number): string => `gallery/versions/${version}.json`,
  /** 12 for `gallery/versions/12.json`. */
  versionOf(key: string): number | undefined {
    const [, number] = /\/(\d{1,15})\.json$/.exec(key) ?? [];
    return number === undefined ? undefined : Number(number);
  },
  segments: 'gallery/segments/',
  segment: (id: string): string => `gallery/segments/${id}.bin`,
  allPhotos: 'people/',
  photos: (person: string): string => `people/${person}/`,
  photo: (person: string, face: string): string => `people/${person}/${face}.jpg`,
};

/** Raised whenever an earlier program could not read a head or a segment that this one writes. */
export const GALLERY_FORMAT = 1;

const sha256 = z.hex().length(64);

export const segmentRefSchema = z.object({
  key: z.string().regex(/^gallery\/segments\/[0-9a-f-]{36}\.bin$/),
  /** Of the whole object. */
  bytes: z.int().positive(),
  sha256,
  /** Of its bytes before the embeddings, which the web tier reads alone. */
  headerSha256: sha256,
  people: z.int().nonnegative(),
  faces: z.int().nonnegative(),
});
export type SegmentRef = z.output<typeof segmentRefSchema>;

const contents = {
  format: z.literal(GALLERY_FORMAT),
  /** Whose embeddings they are: those of another encoder cannot be compared with them. */
  encoder: z.string().min(1).max(32),
  /** Numbers of an embedding. */
  length: z.int().positive(),
  /** Oldest first: of two records with one id the later one counts. */
  segments: z.array(segmentRefSchema),
};

/** The people of a model folder, written by its workers. */
export const baseSchema = z.object({
  ...contents,
  /** Of the model folder's gallery files. */
  digest: sha256,
});
export type GalleryBase = z.output<typeof baseSchema>;

export const headSchema = z.object({
  ...contents,
  /** Of this write: it tells a writer whose answer was lost whether the head is its own. */
  id: z.uuid(),
  /** 1 for the first change; never falls, also when an earlier gallery is brought back. */
  version: z.int().positive(),
  /** An earlier version that has the same people and faces, where only segments were rewritten. */
  sameAs: z.int().positive().optional(),
  /** Digest of the base whose people were taken in last; null where there was none. */
  base: sha256.nullable(),
  /** Ids of people and faces that are left out and not erased from their segments yet. */
  removed: z.array(z.uuid()),
  /** Ids of the base's people and faces that were removed: a newer base does not bring them back. */
  removedFromBase: z.array(z.uuid()),
  /** The newest version, up to this one, in which somebody was erased. */
  erased: z.int().positive().optional(),
  /** Of this version, without those that are left out. */
  people: z.int().nonnegative(),
  faces: z.int().nonnegative(),
  /** When it was written, ISO 8601. */
  at: z.iso.datetime(),
  /** What changed, in words without names: "enrol 1 person", "roll back to version 12". */
  change: z.string().max(200),
});
export type GalleryHead = z.output<typeof headSchema>;
