import { invalidArgument, invalidRequest, noSuchUpload } from '../errors.ts';
import {
  ACCOUNT,
  checkKey,
  header,
  type Operation,
  partNumberOf,
  type S3Request,
  wholeNumber,
  xmlAnswer,
} from '../request.ts';
import { type Extras, extrasOf, type Upload, withExtras } from '../store.ts';
import { documentXml } from '../xml.ts';
import { algorithmOf, checksumOf, headerOf } from './checksums.ts';
import { checkSource } from './conditions.ts';
import { contentOf } from './content.ts';
import { propertiesOf } from './properties.ts';
import { sourceOf } from './writing.ts';

export const createMultipartUpload: Operation = (request) => {
  const { buckets, bucket: Bucket, key: Key } = request;
  buckets.objects(Bucket);
  checkKey(Key);
  const { contentType, metadata, system, extras } = propertiesOf(request);
  const checksum = askedChecksum(request);
  const kept = checksum === undefined ? metadata : withExtras(metadata, { ...extras, checksum });
  const UploadId = buckets.store.createMultipartUpload(Bucket, Key, contentType, kept, system);
  return xmlAnswer(
    documentXml('InitiateMultipartUploadResult', { Bucket, Key, UploadId }),
    checksum && {
      'x-amz-checksum-algorithm': checksum.algorithm,
      'x-amz-checksum-type': checksum.type,
    },
  );
};

function askedChecksum(request: S3Request): Extras['checksum'] {
  const name = header(request, 'x-amz-checksum-algorithm');
  if (name === undefined) return undefined;
  const algorithm = algorithmOf(name);
  if (algorithm === undefined) {
    throw invalidRequest('Checksum algorithm provided is unsupported.');
  }
  const standard = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  const type = header(request, 'x-amz-checksum-type') ?? standard;
  const isKnown = type === 'FULL_OBJECT' || type === 'COMPOSITE';
  const isPossible = type === 'COMPOSITE' ? algorithm !== 'CRC64NVME' : algorithm.startsWith('CRC');
  if (!isKnown || !isPossible) {
    throw invalidRequest(
      `The ${type} checksum type cannot be used with the ${name} checksum algorithm.`,
    );
  }
  return { algorithm, type };
}

/** @throws {S3Error} NoSuchUpload, also for an upload of another key */
export function uploadOf({ buckets, bucket, key, query }: S3Request): Upload {
  buckets.objects(bucket);
  const id = query.get('uploadId') ?? '';
  const upload = buckets.store.multipartUploads.get(id);
  if (upload?.bucket !== bucket || upload.key !== key) throw noSuchUpload(id);
  return upload;
}

export const uploadPart: Operation = async (request) => {
  const number = partNumberOf(request.query.get('partNumber') ?? '');
  if (header(request, 'x-amz-copy-source') !== undefined) return copyPart(request, number);
  uploadOf(request);
  const { bytes, checksum } = await contentOf(request);
  const { uploadId, metadata } = uploadOf(request);
  const asked = extrasOf(metadata).checksum?.algorithm ?? checksum?.algorithm;
  const value = asked && (await checksumOf(asked, bytes));
  const { etag } = request.buckets.store.uploadPart(uploadId, number, bytes, value);
  return {
    status: 200,
    headers: { etag, ...(asked && value ? { [headerOf(asked)]: value } : {}) },
  };
};

async function copyPart(request: S3Request, number: number) {
  const { buckets } = request;
  const { uploadId, metadata } = uploadOf(request);
  const source = sourceOf(request);
  checkSource(request, buckets.find(source.bucket, source.key));
  const { body } = buckets.store.getObject(source.bucket, source.key);
  const bytes = copiedRange(header(request, 'x-amz-copy-source-range'), body);
  const algorithm = extrasOf(metadata).checksum?.algorithm;
  const value = algorithm && (await checksumOf(algorithm, bytes));
  const { etag: ETag } = buckets.store.uploadPart(uploadId, number, bytes, value);
  return xmlAnswer(
    documentXml('CopyPartResult', {
      LastModified: new Date().toISOString(),
      ETag,
      ...(algorithm && { [`Checksum${algorithm}`]: value }),
    }),
  );
}

function copiedRange(range: string | undefined, body: Buffer): Buffer {
  if (range === undefined) return body;
  const name = 'x-amz-copy-source-range';
  const match = /^bytes=(\d+)-(\d+)$/.exec(range);
  if (match === null) {
    const message =
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy';
    throw invalidArgument(message, name, range);
  }
  const [first, last] = [Number(match[1]), Number(match[2])];
  if (first > last || last >= body.length) {
    const message = `Range specified is not valid for source object of size: ${body.length}`;
    throw invalidArgument(message, name, range);
  }
  return body.subarray(first, last + 1);
}

export const abortMultipartUpload: Operation = (request) => {
  request.buckets.store.abortMultipartUpload(uploadOf(request).uploadId);
  return { status: 204 };
};

export const listParts: Operation = (request) => {
  const { query } = request;
  const { uploadId: UploadId, parts } = uploadOf(request);
  const number = (name: string, standard: string): number =>
    wholeNumber(query.get(name) ?? standard, { name, low: 0, high: 2_147_483_647 });
  const most = Math.min(number('max-parts', '1000'), 1000);
  const after = number('part-number-marker', '0');
  const rest = [...parts.values()]
    .filter(({ partNumber }) => partNumber > after)
    .sort((a, b) => a.partNumber - b.partNumber);
  const page = rest.slice(0, most);
  const owner = { ID: ACCOUNT, DisplayName: 'local' };
  return xmlAnswer(
    documentXml('ListPartsResult', {
      Bucket: request.bucket,
      Key: request.key,
      UploadId,
      PartNumberMarker: after,
      NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
      MaxParts: most,
      IsTruncated: page.length < rest.length,
      Part: page.map(({ partNumber, lastModified, etag, body }) => ({
        PartNumber: partNumber,
        LastModified: lastModified.toISOString(),
        ETag: etag,
        Size: body.length,
      })),
      Initiator: owner,
      Owner: owner,
      StorageClass: 'STANDARD',
    }),
  );
};
