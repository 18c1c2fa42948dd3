/** Rewrites segments: several as one, or one without some of its people. Changes no head. */
import { randomUUID } from 'node:crypto';
import type { SegmentRef } from '../head.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import { type GalleryReader, OutdatedError } from '../read/reader.ts';
import { type Expected, openSegment, readSegmentHeader, refOf, type Segment } from '../segment.ts';
import { type Joined, joinSegments } from '../segments/join.ts';

export const SEGMENT_TYPE = 'application/octet-stream';

export interface Rewritten extends Joined {
  /** Undefined when nothing is left. */
  readonly ref: SegmentRef | undefined;
}

export class Rewriting {
  readonly #bucket: PeopleBucket;
  readonly #reader: GalleryReader;

  constructor(bucket: PeopleBucket, reader: GalleryReader) {
    this.#bucket = bucket;
    this.#reader = reader;
  }

  /** @throws {OutdatedError} when the segment is gone */
  async read(ref: SegmentRef, expected: Expected): Promise<Segment> {
    const found = await this.#bucket.get(ref.key);
    if (found === undefined) {
      throw new OutdatedError(`The gallery segment '${ref.key}' is missing.`);
    }
    return openSegment(found.bytes, ref, expected);
  }

  /**
   * Writes the latest records of some segments as a new one.
   * @param isRemoved of ids that the new one must not hold
   */
  async join(
    refs: readonly SegmentRef[],
    expected: Expected,
    isRemoved: (id: string) => boolean,
  ): Promise<Rewritten> {
    const segments = await Promise.all(refs.map((ref) => this.read(ref, expected)));
    const joined = joinSegments(segments, expected, isRemoved);
    if (joined.people + joined.faces === 0) return { ...joined, ref: undefined };
    return { ...joined, ref: await this.write(joined.bytes, joined, expected) };
  }

  async write(
    bytes: Buffer,
    { people, faces }: { people: number; faces: number },
    expected: Expected,
    id: string = randomUUID(),
  ): Promise<SegmentRef> {
    const ref = refOf(id, bytes, { people, faces, length: expected.length });
    await this.#bucket.put(ref.key, bytes, SEGMENT_TYPE);
    this.#reader.know(ref, readSegmentHeader(bytes, ref, expected));
    return ref;
  }

  async delete(refs: readonly (SegmentRef | undefined)[]): Promise<void> {
    await this.#bucket.delete(refs.flatMap((ref) => (ref === undefined ? [] : [ref.key])));
  }
}
