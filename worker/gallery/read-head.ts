/** Reads the head of the live gallery, at little cost where it has not changed. */
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { SegmentError } from '../../people/errors.ts';
import { type GalleryHead, headSchema, peopleKeys } from '../../people/head.ts';
import { messageOf } from '../../runtime/errors.ts';

export type HeadRead =
  | { readonly kind: 'unchanged' }
  /** No gallery was ever written, or there is not even a bucket for it. */
  | { readonly kind: 'none' }
  | { readonly kind: 'head'; readonly etag: string; readonly head: GalleryHead }
  | { readonly kind: 'unreadable'; readonly etag: string; readonly error: SegmentError };

/** @param etag of the head that the caller has; throws what S3 throws */
export type ReadHead = (etag: string | undefined) => Promise<HeadRead>;

export function headReader(s3: S3Client, bucket: string): ReadHead {
  return async (known) => {
    try {
      const { Body, ETag: etag = '' } = await s3.send(
        new GetObjectCommand({ Bucket: bucket, Key: peopleKeys.head, IfNoneMatch: known }),
      );
      const head = parseHead((await Body?.transformToString()) ?? '');
      if (head instanceof SegmentError) return { kind: 'unreadable', etag, error: head };
      return { kind: 'head', etag, head };
    } catch (error) {
      if (statusOf(error) === 304) return { kind: 'unchanged' };
      const isAbsent = error instanceof Error && /^NoSuch(?:Key|Bucket)$/.test(error.name);
      if (isAbsent) return { kind: 'none' };
      throw error;
    }
  };
}

/** @returns the error of one that this version cannot read */
export function parseHead(text: string): GalleryHead | SegmentError {
  try {
    return headSchema.parse(JSON.parse(text));
  } catch (cause) {
    return new SegmentError(
      `The gallery's head (${peopleKeys.head}) is not one that this version can read: ${messageOf(cause).slice(0, 200)}`,
      { cause },
    );
  }
}

function statusOf(error: unknown): number | undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}
