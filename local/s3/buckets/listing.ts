/** What is in a bucket: ListObjects in both versions, ListObjectVersions, ListMultipartUploads. */
import { invalidArgument } from '../errors.ts';
import { compareKeys, type PageRequest, pageOf } from '../key-order.ts';
import { ACCOUNT, type Operation, wholeNumber, xmlAnswer } from '../request.ts';
import { extrasOf, type StoredObject } from '../store.ts';
import { documentXml, type Elements } from '../xml.ts';

/** S3's most for one page, whatever is asked for. */
const MOST_KEYS = 1000;
const OWNER = { ID: ACCOUNT, DisplayName: 'local' };

export const listObjects: Operation = (request) =>
  request.query.get('list-type') === '2' ? listV2(request) : listV1(request);

const listV2: Operation = (request) => {
  const { buckets, bucket, query } = request;
  const objects = buckets.objects(bucket);
  const encode = encoderOf(query);
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  const after = token === null ? (startAfter ?? '') : keyOfToken(token);
  const asked = askedPage(query, after);
  const { keys, groups, next } = pageOf(objects.ordered(), asked);
  const withOwner = query.get('fetch-owner') === 'true';
  return xmlAnswer(
    documentXml('ListBucketResult', {
      Name: bucket,
      Prefix: encode(asked.prefix),
      Delimiter: asked.delimiter ? encode(asked.delimiter) : undefined,
      MaxKeys: asked.most,
      EncodingType: query.get('encoding-type') ?? undefined,
      KeyCount: keys.length + groups.length,
      IsTruncated: next !== undefined,
      ContinuationToken: token ?? undefined,
      NextContinuationToken: next === undefined ? undefined : tokenOf(next),
      StartAfter: startAfter === null || startAfter === '' ? undefined : encode(startAfter),
      Contents: keys.map((key) => contents(objects.get(key)!, encode, withOwner)),
      CommonPrefixes: groups.map((group) => ({ Prefix: encode(group) })),
    }),
  );
};

const listV1: Operation = (request) => {
  const { buckets, bucket, query } = request;
  const objects = buckets.objects(bucket);
  const encode = encoderOf(query);
  const asked = askedPage(query, query.get('marker') ?? '');
  const { keys, groups, next } = pageOf(objects.ordered(), asked);
  return xmlAnswer(
    documentXml('ListBucketResult', {
      Name: bucket,
      Prefix: encode(asked.prefix),
      Marker: encode(asked.after),
      // Without a delimiter, clients go on from the last key.
      NextMarker: next === undefined || asked.delimiter === '' ? undefined : encode(next),
      Delimiter: asked.delimiter ? encode(asked.delimiter) : undefined,
      MaxKeys: asked.most,
      EncodingType: query.get('encoding-type') ?? undefined,
      IsTruncated: next !== undefined,
      Contents: keys.map((key) => contents(objects.get(key)!, encode, true)),
      CommonPrefixes: groups.map((group) => ({ Prefix: encode(group) })),
    }),
  );
};

/** Each object is its own only version, whose id is `null`. */
export const listObjectVersions: Operation = (request) => {
  const { buckets, bucket, query } = request;
  const objects = buckets.objects(bucket);
  const encode = encoderOf(query);
  const asked = askedPage(query, query.get('key-marker') ?? '');
  const { keys, groups, next } = pageOf(objects.ordered(), asked);
  return xmlAnswer(
    documentXml('ListVersionsResult', {
      Name: bucket,
      Prefix: encode(asked.prefix),
      KeyMarker: encode(asked.after),
      VersionIdMarker: query.get('version-id-marker') ?? '',
      NextKeyMarker: next === undefined ? undefined : encode(next),
      NextVersionIdMarker:
        next === undefined || objects.get(next) === undefined ? undefined : 'null',
      Delimiter: asked.delimiter ? encode(asked.delimiter) : undefined,
      MaxKeys: asked.most,
      EncodingType: query.get('encoding-type') ?? undefined,
      IsTruncated: next !== undefined,
      Version: keys.map((key) => {
        const { Key, ...described } = contents(objects.get(key)!, encode, true);
        return { Key, VersionId: 'null', IsLatest: true, ...described };
      }),
      CommonPrefixes: groups.map((group) => ({ Prefix: encode(group) })),
    }),
  );
};

export const listMultipartUploads: Operation = (request) => {
  const { buckets, bucket, query } = request;
  buckets.objects(bucket);
  const encode = encoderOf(query);
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const most = mostOf(query, 'max-uploads');
  const rest = buckets
    .uploads(bucket)
    .filter(({ key, uploadId }) => {
      const order = compareKeys(key, keyMarker);
      const isAfter = order > 0 || (order === 0 && idMarker !== '' && uploadId > idMarker);
      return key.startsWith(prefix) && (keyMarker === '' || isAfter);
    })
    .sort((a, b) => compareKeys(a.key, b.key) || (a.uploadId < b.uploadId ? -1 : 1));
  const page = rest.slice(0, most);
  const isTruncated = most > 0 && page.length < rest.length;
  return xmlAnswer(
    documentXml('ListMultipartUploadsResult', {
      Bucket: bucket,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: isTruncated ? encode(page.at(-1)!.key) : undefined,
      NextUploadIdMarker: isTruncated ? page.at(-1)!.uploadId : undefined,
      Prefix: encode(prefix),
      MaxUploads: most,
      EncodingType: query.get('encoding-type') ?? undefined,
      IsTruncated: isTruncated,
      Upload: page.map(({ key, uploadId, initiated }) => ({
        Key: encode(key),
        UploadId: uploadId,
        Initiator: OWNER,
        Owner: OWNER,
        StorageClass: 'STANDARD',
        Initiated: initiated.toISOString(),
      })),
    }),
  );
};

function askedPage(query: URLSearchParams, after: string): PageRequest {
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    after,
    most: mostOf(query, 'max-keys'),
  };
}

function mostOf(query: URLSearchParams, name: string): number {
  const text = query.get(name) || String(MOST_KEYS);
  return Math.min(wholeNumber(text, { name, low: 0, high: 2_147_483_647 }), MOST_KEYS);
}

function contents(
  object: StoredObject,
  encode: (text: string) => string,
  withOwner: boolean,
): Elements {
  const { checksumAlgorithm, checksumType } = object;
  return {
    Key: encode(object.key),
    LastModified: object.lastModified.toISOString(),
    ETag: object.etag,
    ChecksumAlgorithm: checksumAlgorithm,
    ChecksumType: checksumAlgorithm === undefined ? undefined : checksumType,
    Size: object.contentLength,
    Owner: withOwner ? OWNER : undefined,
    StorageClass: extrasOf(object.metadata).storageClass ?? 'STANDARD',
  };
}

/** `encoding-type=url` writes keys as forms do, but for the slash. */
function encoderOf(query: URLSearchParams): (text: string) => string {
  const type = query.get('encoding-type');
  if (type === null) return (text) => text;
  if (type !== 'url') {
    const message = 'Invalid Encoding Method specified in Request';
    throw invalidArgument(message, 'encoding-type', type);
  }
  return (text) => new URLSearchParams({ '': text }).toString().slice(1).replaceAll('%2F', '/');
}

const TOKEN = 'after:';

function tokenOf(key: string): string {
  return Buffer.from(TOKEN + key).toString('base64');
}

function keyOfToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString();
  if (text.startsWith(TOKEN)) return text.slice(TOKEN.length);
  throw invalidArgument(
    'The continuation token provided is incorrect',
    'continuation-token',
    token,
  );
}
