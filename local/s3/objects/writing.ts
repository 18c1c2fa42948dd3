/** Writing and deleting objects: PutObject, CopyObject, DeleteObject, DeleteObjects. */
import { z } from 'zod';
import {
  invalidArgument,
  invalidRequest,
  malformedXml,
  notImplemented,
  S3Error,
} from '../errors.ts';
import {
  checkKey,
  checkVersion,
  header,
  type Operation,
  type S3Request,
  xmlAnswer,
} from '../request.ts';
import { type Extras, extrasOf, type StoredObject, withExtras } from '../store.ts';
import { tagsOfHeader } from '../sub-resources.ts';
import { documentXml, type Elements, parseXml } from '../xml.ts';
import { algorithmOf, type Checksum, checksumOf, headerOf } from './checksums.ts';
import { checkDelete, checkSource, checkWrite } from './conditions.ts';
import { contentOf } from './content.ts';
import { type Properties, propertiesOf } from './properties.ts';

const MOST_DELETIONS = 1000;

export const putObject: Operation = async (request) => {
  if (header(request, 'x-amz-copy-source') !== undefined) return copyObject(request);
  const { bucket, key, buckets } = request;
  buckets.objects(bucket);
  checkTarget(request);
  const properties = propertiesOf(request);
  const { bytes, checksum } = await contentOf(request);
  const object = store(request, bytes, properties, checksum);
  return {
    status: 200,
    headers: {
      etag: object.etag,
      ...(checksum === undefined
        ? {}
        : { [headerOf(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': 'FULL_OBJECT' }),
      ...encryptionHeader(request),
    },
  };

  function store(
    of: S3Request,
    body: Buffer,
    { contentType, metadata, system }: Properties,
    sum: Checksum | undefined,
  ): StoredObject {
    // Looked at now: another write may have come while this one was read.
    checkWrite(of, buckets.objects(bucket).get(key));
    const given = sum && { ...sum, type: 'FULL_OBJECT' as const };
    return buckets.store.putObject(bucket, key, body, contentType, metadata, system, given);
  }
};

/** @throws {S3Error} for a key or version that nothing can be written to */
function checkTarget({ key, query }: S3Request): void {
  checkKey(key);
  const versionId = query.get('versionId');
  if (versionId !== null) {
    const message = 'This operation does not accept a version-id.';
    throw invalidArgument(message, 'versionId', versionId);
  }
}

function encryptionHeader(request: S3Request): Record<string, string> {
  const encryption = header(request, 'x-amz-server-side-encryption');
  return encryption === undefined ? {} : { 'x-amz-server-side-encryption': encryption };
}

const copyObject = async (request: S3Request) => {
  const { bucket, key, buckets } = request;
  const source = sourceOf(request);
  buckets.objects(bucket);
  checkTarget(request);
  const found = buckets.find(source.bucket, source.key);
  checkSource(request, found);
  const replaces = directive(request, 'x-amz-metadata-directive');
  const given = propertiesOf(request);
  const extras = copiedExtras(request, given, found, replaces);
  const changes =
    replaces ||
    ['x-amz-storage-class', 'x-amz-website-redirect-location', 'x-amz-server-side-encryption'].some(
      (name) => header(request, name) !== undefined,
    );
  if (source.bucket === bucket && source.key === key && !changes) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const { body } = buckets.store.getObject(source.bucket, source.key);
  const checksum = await copiedChecksum(request, found, body);
  checkWrite(request, buckets.objects(bucket).get(key));
  const object = buckets.store.putObject(
    bucket,
    key,
    body,
    replaces ? given.contentType : found.contentType,
    withExtras(replaces ? given.metadata : found.metadata, extras),
    replaces ? given.system : systemOf(found),
    checksum && { ...checksum, type: 'FULL_OBJECT' },
  );
  return xmlAnswer(
    documentXml('CopyObjectResult', {
      LastModified: object.lastModified.toISOString(),
      ETag: object.etag,
      ...(checksum && {
        [`Checksum${checksum.algorithm}`]: checksum.value,
        ChecksumType: 'FULL_OBJECT',
      }),
    }),
    encryptionHeader(request),
  );
};

/** Where a copy comes from. @throws {S3Error} InvalidArgument */
export function sourceOf(request: S3Request): { bucket: string; key: string } {
  const text = header(request, 'x-amz-copy-source') ?? '';
  if (text.startsWith('arn:')) throw notImplemented('A copy source that is an access point');
  const [path = '', query = ''] = text.replace(/^\//, '').split('?', 2);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw invalidArgument('Invalid copy source encoding', 'x-amz-copy-source', text);
  }
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1) {
    throw invalidArgument('Invalid copy source object key', 'x-amz-copy-source', text);
  }
  checkVersion(new URLSearchParams(query).get('versionId'));
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

/** Whether a directive says REPLACE. */
function directive(request: S3Request, name: string): boolean {
  const value = header(request, name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value === 'REPLACE';
  throw invalidArgument(`Unknown ${name}.`, name, value);
}

function copiedExtras(
  request: S3Request,
  given: Properties,
  found: StoredObject,
  replaces: boolean,
): Extras {
  const { tags, expires } = extrasOf(found.metadata);
  const replacesTags = directive(request, 'x-amz-tagging-directive');
  const newTags = replacesTags ? tagsOfHeader(header(request, 'x-amz-tagging') ?? '') : tags;
  // The storage class and the redirect of a copy are its own.
  const { tags: _given, ...own } = given.extras;
  return {
    ...(replaces ? own : { ...own, ...(expires === undefined ? {} : { expires }) }),
    ...(newTags === undefined || Object.keys(newTags).length === 0 ? {} : { tags: newTags }),
  };
}

async function copiedChecksum(
  request: S3Request,
  found: StoredObject,
  body: Buffer,
): Promise<Checksum | undefined> {
  const asked = header(request, 'x-amz-checksum-algorithm');
  const algorithm = asked === undefined ? found.checksumAlgorithm : algorithmOf(asked);
  if (algorithm === undefined) return undefined;
  return { algorithm, value: await checksumOf(algorithm, body) };
}

function systemOf(object: StoredObject): Record<string, string> {
  const { contentLanguage, contentDisposition, cacheControl, contentEncoding } = object;
  const all = { contentLanguage, contentDisposition, cacheControl, contentEncoding };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

export const deleteObject: Operation = (request) => {
  const { buckets, bucket, key, query } = request;
  const objects = buckets.objects(bucket);
  checkKey(key);
  const versionId = query.get('versionId');
  if (!isOnlyVersion(versionId)) return { status: 204 };
  checkDelete(header(request, 'if-match'), objects.get(key));
  buckets.store.deleteObject(bucket, key);
  return { status: 204 };
};

/** Deleting a version that is not there is no error, but it must not delete the one that is. */
function isOnlyVersion(versionId: string | null | undefined): boolean {
  try {
    checkVersion(versionId ?? null);
    return true;
  } catch (error) {
    if (error instanceof S3Error && error.s3Code === 'NoSuchVersion') return false;
    throw error;
  }
}

const deletion = z.object({
  Delete: z.object({
    Quiet: z.string().optional(),
    Object: z
      .array(
        z.object({
          Key: z.string(),
          VersionId: z.string().optional(),
          ETag: z.string().optional(),
        }),
      )
      .min(1)
      .max(MOST_DELETIONS),
  }),
});

export const deleteObjects: Operation = async (request) => {
  const { buckets, bucket } = request;
  const objects = buckets.objects(bucket);
  const { bytes } = await contentOf(request);
  if (bytes.length === 0) throw malformedXml();
  const { Quiet, Object: targets } = parseXml(bytes, deletion).Delete;
  const Deleted: Elements[] = [];
  const failures: Elements[] = [];
  for (const { Key, VersionId, ETag } of targets) {
    const named = { Key, ...(VersionId === undefined ? {} : { VersionId }) };
    try {
      if (Key === '') throw new S3Error('UserKeyMustBeSpecified', 400, 'A key must be specified.');
      checkKey(Key);
      if (isOnlyVersion(VersionId)) {
        checkDelete(ETag, objects.get(Key));
        buckets.store.deleteObject(bucket, Key);
      }
      Deleted.push(named);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      failures.push({ ...named, Code: error.s3Code, Message: error.message });
    }
  }
  const isQuiet = Quiet?.trim().toLowerCase() === 'true';
  return xmlAnswer(
    documentXml('DeleteResult', { Deleted: isQuiet ? [] : Deleted, Error: failures }),
  );
};
