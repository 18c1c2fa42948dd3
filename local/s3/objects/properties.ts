/** What a write's headers say about the object: content type, metadata, tags, storage class. */

import { invalidArgument, invalidRequest, notImplemented, S3Error } from '../errors.ts';
import { header, type S3Request } from '../request.ts';
import { type Extras, withExtras } from '../store.ts';
import { tagsOfHeader } from '../sub-resources.ts';
import { storedEncoding } from './content.ts';

export interface Properties {
  readonly contentType: string;
  /** User metadata, and what fauxqs has no column for. */
  readonly metadata: Record<string, string>;
  readonly system: Record<string, string>;
  readonly extras: Extras;
}

const MOST_METADATA_BYTES = 2048;
const USER = 'x-amz-meta-';
const CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
];
const COLD_CLASSES = [
  'GLACIER',
  'DEEP_ARCHIVE',
  'OUTPOSTS',
  'SNOW',
  'EXPRESS_ONEZONE',
  'FSX_OPENZFS',
];
/** Answered at once: nothing here could carry them out. */
const REFUSED: Readonly<Record<string, string>> = {
  'x-amz-server-side-encryption-customer-algorithm': 'Encryption with a customer key (SSE-C)',
  'x-amz-copy-source-server-side-encryption-customer-algorithm':
    'Encryption with a customer key (SSE-C)',
  'x-amz-write-offset-bytes': 'Appending to an object',
};
const LOCKS = ['mode', 'retain-until-date', 'legal-hold'].map(
  (name) => `x-amz-object-lock-${name}`,
);

/** @throws {S3Error} MetadataTooLarge, InvalidStorageClass, InvalidTag, NotImplemented and their like */
export function propertiesOf(request: S3Request): Properties {
  checkRefused(request);
  const user = userMetadataOf(request);
  const tagging = header(request, 'x-amz-tagging');
  const storageClass = storageClassOf(request);
  const expires = header(request, 'expires');
  const redirect = header(request, 'x-amz-website-redirect-location');
  const extras: Extras = {
    ...(tagging ? { tags: tagsOfHeader(tagging) } : {}),
    ...(storageClass === 'STANDARD' ? {} : { storageClass }),
    ...(expires === undefined ? {} : { expires }),
    ...(redirect === undefined ? {} : { redirect }),
  };
  const encoding = storedEncoding(request);
  const system = Object.entries({
    contentLanguage: header(request, 'content-language'),
    contentDisposition: header(request, 'content-disposition'),
    cacheControl: header(request, 'cache-control'),
    contentEncoding: encoding,
  }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    contentType: header(request, 'content-type') || 'binary/octet-stream',
    metadata: withExtras(user, extras),
    system: Object.fromEntries(system),
    extras,
  };
}

function userMetadataOf({ headers }: S3Request): Record<string, string> {
  const metadata: Record<string, string> = {};
  let size = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(USER)) continue;
    const key = name.slice(USER.length);
    metadata[key] = String(value);
    size += key.length + String(value).length;
  }
  if (size <= MOST_METADATA_BYTES) return metadata;
  throw new S3Error(
    'MetadataTooLarge',
    400,
    'Your metadata headers exceed the maximum allowed metadata size',
    { details: { Size: String(size), MaxSizeAllowed: String(MOST_METADATA_BYTES) } },
  );
}

function storageClassOf(request: S3Request): string {
  const name = header(request, 'x-amz-storage-class') ?? 'STANDARD';
  if (COLD_CLASSES.includes(name)) throw notImplemented(`The storage class ${name}`);
  if (CLASSES.includes(name)) return name;
  throw new S3Error('InvalidStorageClass', 400, 'The storage class you specified is not valid', {
    details: { StorageClassRequested: name.slice(0, 100) },
  });
}

function checkRefused(request: S3Request): void {
  for (const [name, what] of Object.entries(REFUSED)) {
    if (header(request, name) !== undefined) throw notImplemented(what);
  }
  const encryption = header(request, 'x-amz-server-side-encryption');
  if (encryption?.startsWith('aws:')) throw notImplemented(`Encryption with ${encryption}`);
  if (encryption !== undefined && encryption !== 'AES256') {
    const message = 'The encryption method specified is not supported';
    throw invalidArgument(message, 'x-amz-server-side-encryption', encryption);
  }
  if (LOCKS.some((name) => header(request, name) !== undefined)) {
    throw invalidRequest('Bucket is missing Object Lock Configuration');
  }
}
