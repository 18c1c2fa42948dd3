/**
 * The faces of a segment without their embeddings, column by column: a million of them would not fit in memory as
 * objects, nor be read in time.
 */
import { z } from 'zod';
import type { Quality } from '../../cloud/contract/people-work.ts';
import { SegmentError } from '../errors.ts';
import type { FaceMeta } from '../records.ts';
import { ID_BYTES, readId, readIds, writeId } from './ids.ts';

const PARTS = ['score', 'size', 'sharpness', 'light', 'pose', 'confidence'] as const;
/** Parts of a quality are kept to four decimals. */
const SCALE = 10_000;
const NO_QUALITY = 0xffff;
const DIGEST_BYTES = 32;

const column = z.string();
export const faceColumnsSchema = z.strictObject({
  count: z.int().nonnegative(),
  /** 16 bytes a face, base64 as all columns. */
  ids: column,
  /** Ids of the people that the faces belong to, 16 bytes each; their records may be in other segments. */
  persons: column,
  /** uint32: index of each face's person in `persons`. */
  of: column,
  /** float64: ms since 1970, NaN for a face without. */
  enrolled: column.optional(),
  /** uint16, six a face. */
  quality: column.optional(),
  reasons: z
    .strictObject({
      sentences: z.array(z.string().max(200)),
      /** Index of a face, then those of its sentences. */
      of: z.array(z.array(z.int().nonnegative()).min(2)),
    })
    .optional(),
  /** 32 bytes a face, zeros for a face without. */
  digests: column.optional(),
});
export type FaceColumnsJson = z.output<typeof faceColumnsSchema>;

interface Columns {
  readonly ids: Buffer;
  readonly persons: readonly string[];
  readonly of: Uint32Array;
  readonly enrolled?: Float64Array | undefined;
  readonly quality?: Uint16Array | undefined;
  readonly reasons?: ReadonlyMap<number, readonly string[]> | undefined;
  readonly digests?: Buffer | undefined;
}

export class FaceColumns {
  readonly count: number;
  readonly ids: Buffer;
  /** Ids of the people that the faces belong to. */
  readonly persons: readonly string[];
  /** By face: index in `persons`. */
  readonly of: Uint32Array;
  readonly #columns: Columns;

  private constructor(columns: Columns) {
    this.count = columns.of.length;
    this.ids = columns.ids;
    this.persons = columns.persons;
    this.of = columns.of;
    this.#columns = columns;
  }

  /** Of any faces that can be read one by one, e.g. those of several segments. */
  static from(count: number, faceAt: (index: number) => FaceMeta): FaceColumns {
    const ids = Buffer.alloc(count * ID_BYTES);
    const of = new Uint32Array(count);
    const persons = new Map<string, number>();
    const reasons = new Map<number, readonly string[]>();
    let enrolled: Float64Array | undefined;
    let quality: Uint16Array | undefined;
    let digests: Buffer | undefined;
    for (let i = 0; i < count; i++) {
      const face = faceAt(i);
      writeId(face.id, ids, i);
      const person = persons.get(face.person) ?? persons.size;
      persons.set(face.person, person);
      of[i] = person;
      if (face.enrolled !== undefined) {
        enrolled ??= new Float64Array(count).fill(Number.NaN);
        enrolled[i] = Date.parse(face.enrolled);
      }
      if (face.quality !== undefined) {
        quality ??= new Uint16Array(count * PARTS.length).fill(NO_QUALITY);
        for (const [p, part] of PARTS.entries()) {
          quality[i * PARTS.length + p] = Math.round(face.quality[part] * SCALE);
        }
        if (face.quality.reasons.length > 0) reasons.set(i, face.quality.reasons);
      }
      if (face.photoDigest !== undefined) {
        digests ??= Buffer.alloc(count * DIGEST_BYTES);
        digests.write(face.photoDigest, i * DIGEST_BYTES, DIGEST_BYTES, 'base64url');
      }
    }
    return new FaceColumns({
      ids,
      persons: [...persons.keys()],
      of,
      enrolled,
      quality,
      reasons,
      digests,
    });
  }

  /** @throws {SegmentError} when a column has another length than its faces take */
  static parse(json: FaceColumnsJson): FaceColumns {
    const { count, reasons } = json;
    const idBytes = bytesOf(json.ids, count * ID_BYTES, 'ids');
    const personBytes = bytesOf(json.persons, undefined, 'persons');
    const persons = readIds(personBytes);
    const of = new Uint32Array(count);
    fill(of, json.of, 'of');
    if (of.some((person) => person >= persons.length)) {
      throw new SegmentError('A gallery segment has a face of no person. The old gallery is kept.');
    }
    const enrolled = json.enrolled === undefined ? undefined : new Float64Array(count);
    if (enrolled && json.enrolled !== undefined) fill(enrolled, json.enrolled, 'enrolled');
    const quality = json.quality === undefined ? undefined : new Uint16Array(count * PARTS.length);
    if (quality && json.quality !== undefined) fill(quality, json.quality, 'quality');
    if (quality?.some((part) => part > SCALE && part !== NO_QUALITY)) throw wrongColumn('quality');
    return new FaceColumns({
      ids: idBytes,
      persons,
      of,
      enrolled,
      quality,
      reasons: reasons && sentencesOf(reasons, count),
      digests:
        json.digests === undefined
          ? undefined
          : bytesOf(json.digests, count * DIGEST_BYTES, 'digests'),
    });
  }

  toJson(): FaceColumnsJson {
    const { ids, persons, of, enrolled, quality, reasons, digests } = this.#columns;
    const personBytes = Buffer.alloc(persons.length * ID_BYTES);
    for (const [i, person] of persons.entries()) writeId(person, personBytes, i);
    const sentences = [...new Set([...(reasons?.values() ?? [])].flat())];
    return {
      count: this.count,
      ids: ids.toString('base64'),
      persons: personBytes.toString('base64'),
      of: base64Of(of),
      ...(enrolled && { enrolled: base64Of(enrolled) }),
      ...(quality && { quality: base64Of(quality) }),
      ...(reasons &&
        reasons.size > 0 && {
          reasons: {
            sentences,
            of: [...reasons].map(([face, own]) => [
              face,
              ...own.map((sentence) => sentences.indexOf(sentence)),
            ]),
          },
        }),
      ...(digests && { digests: digests.toString('base64') }),
    };
  }

  at(index: number): FaceMeta {
    const { enrolled, digests } = this.#columns;
    const time = enrolled?.[index] ?? Number.NaN;
    const digest = digests?.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
    const quality = this.#qualityAt(index);
    return {
      id: this.idAt(index),
      person: this.persons[this.of[index]!]!,
      ...(quality && { quality }),
      ...(Number.isNaN(time) ? {} : { enrolled: new Date(time).toISOString() }),
      ...(digest?.some((byte) => byte !== 0) && { photoDigest: digest.toString('base64url') }),
    };
  }

  idAt(index: number): string {
    return readId(this.ids, index);
  }

  /** Where a face lies; -1 when it is not here. */
  indexOf(id: string): number {
    const bytes = Buffer.alloc(ID_BYTES);
    writeId(id, bytes, 0);
    let at = this.ids.indexOf(bytes);
    while (at >= 0 && at % ID_BYTES !== 0) at = this.ids.indexOf(bytes, at + 1);
    return at < 0 ? -1 : at / ID_BYTES;
  }

  #qualityAt(index: number): Quality | undefined {
    const { quality, reasons } = this.#columns;
    const start = index * PARTS.length;
    if (quality === undefined || quality[start] === NO_QUALITY) return undefined;
    const part = (name: (typeof PARTS)[number]): number =>
      quality[start + PARTS.indexOf(name)]! / SCALE;
    return {
      score: part('score'),
      size: part('size'),
      sharpness: part('sharpness'),
      light: part('light'),
      pose: part('pose'),
      confidence: part('confidence'),
      reasons: [...(reasons?.get(index) ?? [])],
    };
  }
}

function sentencesOf(
  { sentences, of }: NonNullable<FaceColumnsJson['reasons']>,
  count: number,
): ReadonlyMap<number, readonly string[]> {
  const reasons = new Map<number, readonly string[]>();
  for (const [face, ...own] of of) {
    const texts = own.flatMap((index) => sentences[index] ?? []);
    if (face! >= count || texts.length !== own.length) throw wrongColumn('reasons');
    reasons.set(face!, texts);
  }
  return reasons;
}

function base64Of({ buffer, byteOffset, byteLength }: Uint32Array | Uint16Array | Float64Array) {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** @param length in bytes; undefined: any number of ids */
function bytesOf(text: string, length: number | undefined, name: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  const fits = length === undefined ? bytes.length % ID_BYTES === 0 : bytes.length === length;
  if (!fits) throw wrongColumn(name);
  return bytes;
}

function fill(column: Uint32Array | Uint16Array | Float64Array, text: string, name: string): void {
  const bytes = bytesOf(text, column.byteLength, name);
  Buffer.from(column.buffer).set(bytes);
}

function wrongColumn(name: string): SegmentError {
  return new SegmentError(
    `A gallery segment's column '${name}' does not fit its faces. The old gallery is kept.`,
  );
}
