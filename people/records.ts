/** People and faces as this room passes them around, and their form in a segment's header. */
import { z } from 'zod';
import type { Quality } from '../cloud/contract/people-work.ts';

/** Names that models were baked with may be longer or stranger than those that the API takes. */
const MOST_NAME_UNITS = 1000;
const METADATA_BYTES = 1024;
const MOST_FORMER = 1000;

const personId = z.uuid();

/** Whether a text that names a person by id or by name is an id. */
export function isPersonId(text: string): boolean {
  return personId.safeParse(text).success;
}

export const personRecordSchema = z.strictObject({
  id: personId,
  name: z.string().min(1).max(MOST_NAME_UNITS),
  metadata: z
    .record(z.string(), z.unknown())
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= METADATA_BYTES)
    .optional(),
  consent: z.string().max(500).optional(),
  /** When the person is forgotten, ISO 8601. */
  expires: z.iso.datetime().optional(),
  enrolled: z.iso.datetime().optional(),
  /** Names that the person had, and people who were merged into it: to be forgotten with it. */
  former: z
    .strictObject({
      ids: z.array(z.uuid()).max(MOST_FORMER),
      names: z.array(z.string()).max(MOST_FORMER),
    })
    .optional(),
});
export type PersonRecord = z.output<typeof personRecordSchema>;

/** A face without its embedding. */
export interface FaceMeta {
  readonly id: string;
  /** Whose face it is. */
  readonly person: string;
  readonly quality?: Quality | undefined;
  /** ISO 8601; faces of the model's own gallery have none. */
  readonly enrolled?: string | undefined;
  /** SHA-256 of its photo, base64url. */
  readonly photoDigest?: string | undefined;
}

export interface FaceRecord extends FaceMeta {
  readonly embedding: Float32Array;
}

/** One version of the gallery without its embeddings. It does not change. */
export interface GalleryIndex {
  /** 0: the model's own gallery, which no change has touched yet. */
  readonly version: number;
  /** Undefined where neither a change nor a worker has written anything yet. */
  readonly encoder: string | undefined;
  /** Numbers of an embedding. */
  readonly length: number | undefined;
  /** When this version was written, ISO 8601. */
  readonly at: string | undefined;
  /** By id. */
  readonly people: ReadonlyMap<string, PersonRecord>;
  /** Number of faces. */
  readonly faces: number;
  byName(name: string): PersonRecord | undefined;
  facesOf(person: string): readonly FaceMeta[];
  face(id: string): FaceMeta | undefined;
}

/** The person with others who were the same: with names it had, or people who were merged into it. */
export function withFormer(
  person: PersonRecord,
  {
    ids = [],
    names = [],
  }: { readonly ids?: readonly string[]; readonly names?: readonly string[] },
): PersonRecord {
  const { former = { ids: [], names: [] } } = person;
  const joined = (before: readonly string[], added: readonly string[]): string[] =>
    [...new Set([...before, ...added])].slice(-MOST_FORMER);
  return {
    ...person,
    former: {
      ids: joined(former.ids, ids),
      names: joined(former.names, names).filter((name) => name !== person.name),
    },
  };
}

export type Change =
  | {
      /**
       * Adds people and faces, or replaces those with the same id: enrolment, a new name, faces that move to
       * another person.
       */
      readonly kind: 'put';
      readonly people: readonly PersonRecord[];
      readonly faces: readonly FaceRecord[];
      /** The encoder that made the embeddings; needed where there are faces. */
      readonly encoder?: string;
      /** What is done, without names: "enrol 1 person". */
      readonly words: string;
    }
  | {
      /**
       * The faces of `from` become faces of `into`, and `from` is removed. `into` keeps its id and names as
       * `former`: see `withFormer`.
       */
      readonly kind: 'merge';
      readonly from: string;
      readonly into: string;
      readonly words: string;
    }
  | {
      readonly kind: 'remove';
      /** Of people, whose faces go with them, or of faces. */
      readonly ids: readonly string[];
      readonly words: string;
    }
  | { readonly kind: 'rollback'; readonly version: number };
