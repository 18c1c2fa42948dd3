/** Reading one object: GetObject, HeadObject, GetObjectAttributes. */
import { invalidArgument, invalidRequest, S3Error } from '../errors.ts';
import {
  checkKey,
  checkVersion,
  header,
  type Operation,
  partNumberOf,
  type S3Answer,
  type S3Request,
  wholeNumber,
  xmlAnswer,
} from '../request.ts';
import { extrasOf, type StoredObject, userMetadata } from '../store.ts';
import { documentXml, type Elements } from '../xml.ts';
import { algorithmOf, headerOf } from './checksums.ts';
import { isNotModified, isRangeCurrent } from './conditions.ts';

/** Parameters of a signed read that replace a header of the answer. */
const OVERRIDES = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
];

export const getObject: Operation = (request) => read(request, true);
export const headObject: Operation = (request) => read(request, false);

function read(request: S3Request, withBody: boolean): S3Answer {
  const { buckets, bucket, key, query } = request;
  checkKey(key);
  buckets.objects(bucket);
  checkVersion(query.get('versionId'));
  const overrides = overridesOf(request);
  const object = buckets.find(bucket, key);
  const headers: Record<string, string> = {
    etag: object.etag,
    'last-modified': object.lastModified.toUTCString(),
  };
  if (isNotModified(request, object)) return { status: 304, headers };
  const range = wantedRange(request, object);
  Object.assign(headers, propertyHeaders(object), overrides);
  const size = object.contentLength;
  const length = range === undefined ? size : range.end - range.start + 1;
  headers['content-length'] = String(length);
  if (range !== undefined) headers['content-range'] = `bytes ${range.start}-${range.end}/${size}`;
  else Object.assign(headers, checksumHeaders(request, object));
  if (query.has('partNumber') && object.parts !== undefined) {
    headers['x-amz-mp-parts-count'] = String(object.parts.length);
  }
  const status = range === undefined ? 200 : 206;
  if (!withBody) return { status, headers };
  const { body } = buckets.store.getObject(bucket, key);
  return {
    status,
    headers,
    body: range === undefined ? body : body.subarray(range.start, range.end + 1),
  };
}

function propertyHeaders(object: StoredObject): Record<string, string> {
  const extras = extrasOf(object.metadata);
  const named: Record<string, string | undefined> = {
    'content-type': object.contentType,
    'content-language': object.contentLanguage,
    'content-disposition': object.contentDisposition,
    'cache-control': object.cacheControl,
    'content-encoding': object.contentEncoding,
    expires: extras.expires,
    'x-amz-website-redirect-location': extras.redirect,
    'x-amz-storage-class': extras.storageClass,
    'x-amz-tagging-count': extras.tags && String(Object.keys(extras.tags).length),
  };
  const headers: Record<string, string> = { 'accept-ranges': 'bytes' };
  for (const [name, value] of Object.entries(named)) if (value) headers[name] = value;
  for (const [name, value] of Object.entries(userMetadata(object.metadata))) {
    headers[`x-amz-meta-${name}`] = value;
  }
  return headers;
}

function checksumHeaders(request: S3Request, object: StoredObject): Record<string, string> {
  const { checksumAlgorithm, checksumValue, checksumType } = object;
  const asked = header(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
  if (!asked || checksumAlgorithm === undefined || checksumValue === undefined) return {};
  return {
    [headerOf(checksumAlgorithm)]: checksumValue,
    ...(checksumType === undefined ? {} : { 'x-amz-checksum-type': checksumType }),
  };
}

function overridesOf(request: S3Request): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`);
    // What no header can hold is dropped rather than answered with an error of Node's.
    if (value !== null) overrides[name] = value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
  }
  const isSigned =
    header(request, 'authorization') !== undefined ||
    request.query.has('X-Amz-Signature') ||
    request.query.has('Signature');
  if (Object.keys(overrides).length > 0 && !isSigned) {
    throw invalidRequest(
      'Request specific response headers cannot be used for anonymous GET requests.',
    );
  }
  return overrides;
}

function wantedRange(request: S3Request, object: StoredObject): Range | undefined {
  const text = header(request, 'range');
  const part = request.query.get('partNumber');
  if (part !== null) {
    if (text !== undefined) {
      throw invalidRequest('Cannot specify both Range header and partNumber query parameter');
    }
    return partRange(partNumberOf(part), object);
  }
  return isRangeCurrent(request, object) ? rangeOf(text, object.contentLength) : undefined;
}

/** An object that came in one piece is its own part 1. */
function partRange(number: number, { parts, contentLength }: StoredObject): Range | undefined {
  const part = parts?.[number - 1];
  if (part !== undefined) return { start: part.offset, end: part.offset + part.length - 1 };
  if (parts === undefined && number === 1) {
    return contentLength === 0 ? undefined : { start: 0, end: contentLength - 1 };
  }
  throw new S3Error('InvalidPartNumber', 416, 'The requested partnumber is not satisfiable', {
    details: { PartNumberRequested: String(number), ActualPartCount: String(parts?.length ?? 1) },
  });
}

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

export const getObjectAttributes: Operation = (request) => {
  checkVersion(request.query.get('versionId'));
  const object = request.buckets.find(request.bucket, request.key);
  const text = header(request, 'x-amz-object-attributes') ?? '';
  const asked = text.split(',').map((one) => one.trim());
  if (!asked.every((one) => ATTRIBUTES.includes(one))) {
    const message = 'Invalid attribute name specified.';
    throw invalidArgument(message, 'x-amz-object-attributes', text);
  }
  const has = (name: string): boolean => asked.includes(name);
  const { checksumAlgorithm, checksumValue, checksumType } = object;
  return xmlAnswer(
    documentXml('GetObjectAttributesResponse', {
      ETag: has('ETag') ? object.etag.replaceAll('"', '') : undefined,
      Checksum:
        has('Checksum') && checksumAlgorithm !== undefined
          ? { [`Checksum${checksumAlgorithm}`]: checksumValue, ChecksumType: checksumType }
          : undefined,
      ObjectParts: has('ObjectParts') ? partsOf(request, object) : undefined,
      StorageClass: has('StorageClass')
        ? (extrasOf(object.metadata).storageClass ?? 'STANDARD')
        : undefined,
      ObjectSize: has('ObjectSize') ? object.contentLength : undefined,
    }),
    { 'last-modified': object.lastModified.toUTCString() },
  );
};

function partsOf(request: S3Request, object: StoredObject): Elements | undefined {
  const { parts, partChecksums } = object;
  if (parts === undefined) return undefined;
  const number = (name: string, standard: string): number =>
    wholeNumber(header(request, name) ?? standard, { name, low: 0, high: 2_147_483_647 });
  const most = Math.min(number('x-amz-max-parts', '1000'), 1000);
  const after = number('x-amz-part-number-marker', '0');
  const rest = parts.filter(({ partNumber }) => partNumber > after);
  const page = rest.slice(0, most);
  const algorithm = algorithmOf(object.checksumAlgorithm ?? '');
  return {
    PartsCount: parts.length,
    PartNumberMarker: after,
    NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
    MaxParts: most,
    IsTruncated: page.length < rest.length,
    Part: page.map((part) => ({
      PartNumber: part.partNumber,
      Size: part.length,
      ...(algorithm && { [`Checksum${algorithm}`]: partChecksums?.[parts.indexOf(part)] }),
    })),
  };
}

interface Range {
  readonly start: number;
  /** The last byte. */
  readonly end: number;
}

/**
 * The one range a header asks for; undefined for the whole object, which S3 also gives for several
 * ranges and for what is no range.
 * @throws {S3Error} InvalidRange when the object has none of its bytes
 */
function rangeOf(text: string | undefined, size: number): Range | undefined {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(text ?? '');
  if (text === undefined || match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    if (length === 0) throw invalidRange(text, size);
    return { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) throw invalidRange(text, size);
  return { start, end };
}

function invalidRange(asked: string, size: number): S3Error {
  return new S3Error('InvalidRange', 416, 'The requested range is not satisfiable', {
    details: { RangeRequested: asked.slice(0, 200), ActualObjectSize: String(size) },
    headers: { 'content-range': `bytes */${size}` },
  });
}
