/** What a version of the gallery consists of, by its head and the base. Reads and writes nothing. */
import { messageOf } from '../../runtime/errors.ts';
import { SegmentError } from '../errors.ts';
import type { GalleryBase, GalleryHead, SegmentRef } from '../head.ts';
import type { Expected } from '../segment.ts';
import type { LayeredIndex } from './layered.ts';

/** What a version consists of; the base's, where no change was made yet. */
export type Contents = Pick<GalleryHead, 'segments' | 'removed' | 'removedFromBase' | 'base'> & {
  /** Undefined where there is nothing at all. */
  readonly expected: Expected | undefined;
};

export interface GalleryState {
  readonly head: { readonly value: GalleryHead; readonly etag: string } | undefined;
  readonly base: { readonly value: GalleryBase; readonly etag: string } | undefined;
  readonly contents: Contents;
  readonly index: LayeredIndex;
}

export function contentsOf(head: GalleryHead | undefined, base: GalleryBase | undefined): Contents {
  if (head) return { ...pick(head), expected: { encoder: head.encoder, length: head.length } };
  if (base === undefined) {
    return { segments: [], removed: [], removedFromBase: [], base: null, expected: undefined };
  }
  return {
    segments: base.segments,
    removed: [],
    removedFromBase: [],
    base: base.digest,
    expected: { encoder: base.encoder, length: base.length },
  };
}

export function factsOf(head: GalleryHead | undefined, { expected }: Contents) {
  return {
    version: head?.version ?? 0,
    encoder: expected?.encoder,
    length: expected?.length,
    at: head?.at,
  };
}

export function startsWith(list: readonly SegmentRef[], start: readonly SegmentRef[]): boolean {
  return start.every(({ sha256 }, index) => list[index]?.sha256 === sha256);
}

function pick({ segments, removed, removedFromBase, base }: GalleryHead) {
  return { segments, removed, removedFromBase, base };
}

interface Schema<T> {
  parse(value: unknown): T;
}

export function parsed<T>(
  object: { bytes: Buffer; etag: string } | undefined,
  schema: Schema<T>,
  name: string,
): { value: T; etag: string } | undefined {
  if (object === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(object.bytes.toString('utf8'));
    return { value: schema.parse(json), etag: object.etag };
  } catch (cause) {
    throw new SegmentError(
      `The gallery's ${name} is not one that this program can read (${messageOf(cause).slice(0, 200)}). The old gallery is kept.`,
      { cause },
    );
  }
}
