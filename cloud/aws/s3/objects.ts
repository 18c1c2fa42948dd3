/** The two buckets: photos on their way in, results on their way out. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  type S3Client,
} from '@aws-sdk/client-s3';
import { type Match, matchSchema } from '../../contract/match.ts';
import { answerLine, stemOf } from '../../contract/names.ts';
import { objectCalls } from '../fast-aws-calls.ts';

export interface Photos {
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** The photo's bytes; undefined when there is none under that key. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Moves a photo that was set aside to its contract key; nothing to do when it is there already. */
  settle(key: string, file: string): Promise<void>;
  delete(key: string): Promise<void>;
}

export function openPhotos(s3: S3Client, bucket: string): Photos {
  const calls = objectCalls(s3);
  const remove = async (key: string): Promise<void> => {
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  };
  return {
    put: (key, bytes, contentType) =>
      calls.put({ Bucket: bucket, Key: key, Body: bytes, ContentType: contentType }),
    async get(key) {
      try {
        return await calls.get(bucket, key);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async settle(key, file) {
      if (key === file) return;
      const source = `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
      try {
        await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: file, CopySource: source }));
      } catch (error) {
        // CopyObject's error has no class of its own in the SDK.
        if (error instanceof Error && error.name === 'NoSuchKey') return;
        throw error;
      }
      await remove(key);
    },
    delete: remove,
  };
}

export interface StoredResult {
  /** The request that wrote it: the same file name may have been here yesterday. */
  readonly requestId: string;
  /** Of the photo's bytes, see `photoDigest`; undefined where its request did not say. */
  readonly digest?: string;
  readonly match: Match;
}

/** The match is missing where it was too long to be stored: that of several faces. */
export type ResultOrigin = Omit<StoredResult, 'match'> & { readonly match?: Match };

export interface Results {
  /** Writes `<stem>:<name>` under the stem, and the match without quality as metadata. */
  put(file: string, result: StoredResult): Promise<void>;
  /** What stands under the file's stem, if this project wrote it. */
  find(file: string): Promise<StoredResult | undefined>;
  /** Which request wrote it, and for which photo, even where its match is not stored. */
  origin(file: string): Promise<ResultOrigin | undefined>;
}

/** @param unknownName in place of a stranger's nearest person, where it is set */
export function openResults(s3: S3Client, bucket: string, unknownName?: string): Results {
  const calls = objectCalls(s3);
  const origin = async (file: string): Promise<ResultOrigin | undefined> => {
    try {
      const { Metadata } = await s3.send(
        new HeadObjectCommand({ Bucket: bucket, Key: stemOf(file) }),
      );
      return originOf(Metadata ?? {});
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  };
  return {
    origin,
    async put(file, { requestId, digest, match }) {
      const stem = stemOf(file);
      await calls.put({
        Bucket: bucket,
        Key: stem,
        Body: answerLine(file, match, unknownName),
        ContentType: 'text/plain',
        Metadata: {
          request: requestId,
          ...(digest === undefined ? {} : { digest }),
          ...matchMetadata(match),
        },
      });
    },
    async find(file) {
      const written = await origin(file);
      return written?.match && { ...written, match: written.match };
    },
  };
}

function originOf(metadata: Record<string, string>): ResultOrigin | undefined {
  const { request, digest, match } = metadata;
  if (request === undefined) return undefined;
  const written = { requestId: request, ...(digest === undefined ? {} : { digest }) };
  if (match === undefined) return written;
  try {
    const value: unknown = JSON.parse(Buffer.from(match, 'base64url').toString());
    return { ...written, match: matchSchema.parse(value) };
  } catch {
    return undefined; // Not written by this project: as good as no result.
  }
}

/** S3 takes 2 KB of metadata in all; header values are ASCII. A match takes about 700 bytes. */
const MOST_METADATA_BYTES = 1800;

/** A match with names too long for it is left out: a redelivered request is then computed again. */
function matchMetadata({ quality, faces, ...match }: Match): { match?: string } {
  const all = faces && { faces: faces.map(({ quality: _, ...face }) => face) };
  const text = Buffer.from(JSON.stringify({ ...match, ...all })).toString('base64url');
  return text.length > MOST_METADATA_BYTES ? {} : { match: text };
}
