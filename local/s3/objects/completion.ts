/** Completes an upload in parts: its list is checked, the parts become one object. */
import { z } from 'zod';
import { S3Error } from '../errors.ts';
import { header, type Operation, partNumberOf, type S3Request, xmlAnswer } from '../request.ts';
import {
  type ChecksumType,
  extrasOf,
  type StoredObject,
  type Upload,
  withExtras,
} from '../store.ts';
import { documentXml, parseXml } from '../xml.ts';
import { ALGORITHMS, type Algorithm, checksumOf, compositeOf, headerOf } from './checksums.ts';
import { checkWrite } from './conditions.ts';
import { badChecksum, contentOf } from './content.ts';
import { uploadOf } from './multipart.ts';

const MOST_PARTS = 10_000;
const completion = z.object({
  CompleteMultipartUpload: z.object({
    Part: z
      .array(
        z.object({
          PartNumber: z.string().regex(/^\d{1,9}$/),
          ETag: z.string(),
          ...Object.fromEntries(
            ALGORITHMS.map((name) => [`Checksum${name}`, z.string().optional()] as const),
          ),
        }),
      )
      .min(1)
      .max(MOST_PARTS),
  }),
});

export const completeMultipartUpload: Operation = async (request) => {
  const { buckets, bucket, key } = request;
  const upload = uploadOf(request);
  const { bytes } = await contentOf({ ...request, headers: withoutChecksums(request) });
  const listed = parseXml(bytes, completion).CompleteMultipartUpload.Part;
  const specs = listed.map(({ PartNumber, ETag }) => ({
    partNumber: partNumberOf(PartNumber),
    etag: ETag,
  }));
  const asked = extrasOf(upload.metadata).checksum;
  const sums = specs.map(({ partNumber }) => upload.parts.get(partNumber)?.checksumValue);
  for (const [index, part] of listed.entries()) {
    const sent =
      asked && (part as Record<string, string | undefined>)[`Checksum${asked.algorithm}`];
    if (sent !== undefined && sent !== sums[index]) throw invalidPart();
  }
  checkWrite(request, buckets.objects(bucket).get(key));
  const sum = asked && (await wholeChecksum(asked, upload, specs, sums));
  const expected = asked && header(request, headerOf(asked.algorithm));
  if (asked && expected !== undefined && expected.split('-')[0] !== sum?.split('-')[0]) {
    throw badChecksum(asked.algorithm);
  }
  checkWrite(request, buckets.objects(bucket).get(key));
  const object = finish(request, upload.uploadId, specs);
  buckets.amend(
    bucket,
    completed(object, asked && sum ? { ...asked, value: sum } : undefined, sums),
  );
  return xmlAnswer(
    documentXml('CompleteMultipartUploadResult', {
      Location: `http://${header(request, 'host') ?? 'localhost'}/${bucket}/${encodeURI(key)}`,
      Bucket: bucket,
      Key: key,
      ETag: object.etag,
      ...(asked && sum ? { [`Checksum${asked.algorithm}`]: sum, ChecksumType: asked.type } : {}),
    }),
  );
};

/** The checksum headers of a completion are of the whole object, not of the list in its body. */
function withoutChecksums({ headers }: S3Request): S3Request['headers'] {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-')),
  );
}

async function wholeChecksum(
  { algorithm, type }: { algorithm: Algorithm; type: ChecksumType },
  { parts }: Upload,
  specs: readonly { partNumber: number }[],
  sums: readonly (string | undefined)[],
): Promise<string | undefined> {
  if (type === 'COMPOSITE') {
    return sums.every((one) => one !== undefined) ? compositeOf(algorithm, sums) : undefined;
  }
  const bodies = specs.map(({ partNumber }) => parts.get(partNumber)?.body ?? Buffer.alloc(0));
  return checksumOf(algorithm, Buffer.concat(bodies));
}

function finish(
  { buckets }: S3Request,
  uploadId: string,
  specs: { partNumber: number; etag: string }[],
): StoredObject {
  try {
    return buckets.store.completeMultipartUpload(uploadId, specs) as StoredObject;
  } catch (error) {
    throw ownError(error);
  }
}

/** What fauxqs refuses a completion with, as an error of this room. */
function ownError(error: unknown): unknown {
  const { code, message, statusCode } = error as {
    code?: unknown;
    message: string;
    statusCode?: number;
  };
  return typeof code === 'string' && statusCode !== undefined
    ? new S3Error(code, statusCode, message, { cause: error })
    : error;
}

function invalidPart(): S3Error {
  return new S3Error(
    'InvalidPart',
    400,
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  );
}

function completed(
  object: StoredObject,
  sum: { algorithm: Algorithm; type: ChecksumType; value: string } | undefined,
  sums: readonly (string | undefined)[],
): StoredObject {
  const { checksum: _asked, ...extras } = extrasOf(object.metadata);
  return {
    ...object,
    metadata: withExtras(object.metadata, extras),
    ...(sum && {
      checksumAlgorithm: sum.algorithm,
      checksumType: sum.type,
      checksumValue: sum.value,
      partChecksums: sums.filter((one) => one !== undefined),
    }),
  };
}
