/**
 * A segment: people and faces in one object that never changes. Little-endian: 8 bytes of magic, uint32 format,
 * uint32 length of the header, the header as JSON, zeros up to a multiple of 64 bytes, then the embeddings as
 * float32, so that a mapped file can be computed with as it is.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf } from '../runtime/errors.ts';
import { SegmentError } from './errors.ts';
import { GALLERY_FORMAT, peopleKeys, type SegmentRef } from './head.ts';
import { type FaceRecord, type PersonRecord, personRecordSchema } from './records.ts';
import { FaceColumns, faceColumnsSchema } from './segments/face-columns.ts';

const MAGIC = Buffer.from('EFPEOPLE');
const PREFIX_BYTES = MAGIC.length + 8;
const ALIGNMENT = 64;
const FLOAT_BYTES = 4;

const headerSchema = z.strictObject({
  encoder: z.string().min(1).max(32),
  length: z.int().positive().max(65_536),
  people: z.array(personRecordSchema),
  faces: faceColumnsSchema,
});

/** All of a segment but the embeddings. */
export interface SegmentHeader {
  readonly encoder: string;
  /** Numbers of an embedding. */
  readonly length: number;
  readonly people: readonly PersonRecord[];
  readonly faces: FaceColumns;
}

export interface Segment extends SegmentHeader {
  /** [faces, length] */
  readonly embeddings: Float32Array;
}

/** What the embeddings of a segment must be of. */
export interface Expected {
  readonly encoder: string;
  readonly length: number;
}

/** @throws {RangeError} when an embedding has another length */
export function encodeSegment(
  people: readonly PersonRecord[],
  faces: readonly FaceRecord[],
  encoder: string,
  length: number,
): Buffer {
  const columns = FaceColumns.from(faces.length, (index) => faces[index]!);
  const { bytes, embeddings } = layOut({ encoder, length, people, faces: columns });
  for (const [i, { embedding }] of faces.entries()) {
    if (embedding.length !== length) {
      throw new RangeError(`An embedding has ${embedding.length} numbers where ${length} belong.`);
    }
    embeddings.set(embedding, i * length);
  }
  return bytes;
}

/** A segment whose embeddings the caller fills in. */
export function layOut(header: SegmentHeader): { bytes: Buffer; embeddings: Float32Array } {
  const json = Buffer.from(JSON.stringify({ ...header, faces: header.faces.toJson() }));
  const start = aligned(PREFIX_BYTES + json.length);
  const size = header.faces.count * header.length;
  const memory = new ArrayBuffer(start + size * FLOAT_BYTES);
  const bytes = Buffer.from(memory);
  bytes.set(MAGIC);
  bytes.writeUInt32LE(GALLERY_FORMAT, MAGIC.length);
  bytes.writeUInt32LE(json.length, MAGIC.length + 4);
  bytes.set(json, PREFIX_BYTES);
  return { bytes, embeddings: new Float32Array(memory, start, size) };
}

/** How a head lists a segment. @param id of its key */
export function refOf(
  id: string,
  bytes: Uint8Array,
  { people, faces, length }: { people: number; faces: number; length: number },
): SegmentRef {
  const start = bytes.byteLength - faces * length * FLOAT_BYTES;
  return {
    key: peopleKeys.segment(id),
    bytes: bytes.byteLength,
    sha256: sha256(bytes),
    headerSha256: sha256(bytes.subarray(0, start)),
    people,
    faces,
  };
}

/** The header of a segment that no head lists; undefined where the bytes are none. */
export function peekHeader(bytes: Uint8Array | undefined): SegmentHeader | undefined {
  if (bytes === undefined || bytes.length < PREFIX_BYTES) return undefined;
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = aligned(PREFIX_BYTES + all.readUInt32LE(MAGIC.length + 4));
  try {
    return parseHeader(all.subarray(0, end), { key: 'of no head' });
  } catch {
    return undefined;
  }
}

/** Where the embeddings of a listed segment begin, in bytes; all before them is its header. */
export function embeddingsStart({ bytes, faces }: SegmentRef, length: number): number {
  return bytes - faces * length * FLOAT_BYTES;
}

/**
 * Reads a segment's header.
 * @param bytes those before the embeddings, or the whole segment
 * @throws {SegmentError} when they are not what a head lists, or of another encoder
 */
export function readSegmentHeader(
  bytes: Uint8Array,
  ref: SegmentRef,
  expected: Expected,
): SegmentHeader {
  const start = embeddingsStart(ref, expected.length);
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, start));
  if (start < PREFIX_BYTES || header.length !== start) {
    throw refused(ref, 'is torn or of another size than the head says');
  }
  if (sha256(header) !== ref.headerSha256) throw refused(ref, 'is not the one that the head lists');
  const parsed = parseHeader(header, ref);
  if (parsed.encoder !== expected.encoder || parsed.length !== expected.length) {
    throw refused(ref, `holds embeddings of ${parsed.encoder}, not of ${expected.encoder}`);
  }
  if (parsed.faces.count !== ref.faces || parsed.people.length !== ref.people) {
    throw refused(ref, 'holds another number of people or faces than the head says');
  }
  return parsed;
}

/**
 * Reads a whole segment. Its embeddings are a view of `bytes` where those are aligned, as mapped files are.
 * @throws {SegmentError} when it is torn, forged or of another encoder
 */
export function openSegment(bytes: Uint8Array, ref: SegmentRef, expected: Expected): Segment {
  if (bytes.byteLength !== ref.bytes) {
    throw refused(ref, `has ${bytes.byteLength} bytes where the head lists ${ref.bytes}`);
  }
  if (sha256(bytes) !== ref.sha256) throw refused(ref, 'is not the one that the head lists');
  const header = readSegmentHeader(bytes, ref, expected);
  const embeddings = floatsOf(bytes.subarray(embeddingsStart(ref, expected.length)));
  if (!areFinite(embeddings)) throw refused(ref, 'holds an embedding that is no number');
  return { ...header, embeddings };
}

/** A view where the memory is aligned, else a copy. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  const own = bytes.byteOffset % FLOAT_BYTES === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(own.buffer, own.byteOffset, own.byteLength / FLOAT_BYTES);
}

/** Whether no number is NaN or infinite: such an embedding would be nobody's, or everybody's. */
export function areFinite(numbers: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]! - numbers[i]!;
  return sum === 0;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function parseHeader(bytes: Buffer, ref: Pick<SegmentRef, 'key'>): SegmentHeader {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw refused(ref, 'is no gallery segment');
  const format = bytes.readUInt32LE(MAGIC.length);
  if (format !== GALLERY_FORMAT) {
    throw refused(ref, `has format ${format}, which this program does not know`);
  }
  const size = bytes.readUInt32LE(MAGIC.length + 4);
  if (aligned(PREFIX_BYTES + size) !== bytes.length) throw refused(ref, 'has a torn header');
  try {
    const text = bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + size);
    const { faces, ...header } = headerSchema.parse(JSON.parse(text));
    return { ...header, faces: FaceColumns.parse(faces) };
  } catch (cause) {
    if (cause instanceof SegmentError) throw cause;
    const why = cause instanceof z.ZodError ? cause.issues[0]?.path.join('.') : messageOf(cause);
    throw refused(ref, `has a header that is not understood (${why})`, cause);
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function refused({ key }: Pick<SegmentRef, 'key'>, why: string, cause?: unknown): SegmentError {
  return new SegmentError(`The gallery segment '${key}' ${why}. The old gallery is kept.`, {
    cause,
  });
}
