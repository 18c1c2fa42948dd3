/**
 * Which operation a request is: by method, by whether it names a key, and by its sub-resource. What is
 * not known is refused by name, so that it is never taken for the object or the bucket itself.
 */
import * as bucketOf from './buckets/buckets.ts';
import { listMultipartUploads, listObjects, listObjectVersions } from './buckets/listing.ts';
import { notImplemented, S3Error } from './errors.ts';
import { completeMultipartUpload } from './objects/completion.ts';
import * as upload from './objects/multipart.ts';
import { getObject, getObjectAttributes, headObject } from './objects/reading.ts';
import { deleteObject, deleteObjects, putObject } from './objects/writing.ts';
import type { Operation } from './request.ts';
import { subResourcesOfObject, unsetOfBucket } from './sub-resources.ts';

/** What S3's operations on a sub-resource are called, after `Get`, `Put` or `Delete`. */
const BUCKET_NAMES: Readonly<Record<string, string>> = {
  abac: 'BucketAbac',
  accelerate: 'BucketAccelerateConfiguration',
  acl: 'BucketAcl',
  analytics: 'BucketAnalyticsConfiguration',
  cors: 'BucketCors',
  delete: 'Objects',
  encryption: 'BucketEncryption',
  'intelligent-tiering': 'BucketIntelligentTieringConfiguration',
  inventory: 'BucketInventoryConfiguration',
  lifecycle: 'BucketLifecycleConfiguration',
  location: 'BucketLocation',
  logging: 'BucketLogging',
  metadataConfiguration: 'BucketMetadataConfiguration',
  metadataTable: 'BucketMetadataTableConfiguration',
  metrics: 'BucketMetricsConfiguration',
  notification: 'BucketNotificationConfiguration',
  'object-lock': 'ObjectLockConfiguration',
  ownershipControls: 'BucketOwnershipControls',
  policy: 'BucketPolicy',
  policyStatus: 'BucketPolicyStatus',
  publicAccessBlock: 'PublicAccessBlock',
  replication: 'BucketReplication',
  requestPayment: 'BucketRequestPayment',
  session: 'Session',
  tagging: 'BucketTagging',
  uploads: 'MultipartUploads',
  versioning: 'BucketVersioning',
  versions: 'ObjectVersions',
  website: 'BucketWebsite',
};
const OBJECT_NAMES: Readonly<Record<string, string>> = {
  acl: 'ObjectAcl',
  annotation: 'ObjectAnnotation',
  attributes: 'ObjectAttributes',
  encryption: 'ObjectEncryption',
  'legal-hold': 'ObjectLegalHold',
  renameObject: 'Rename',
  restore: 'Restore',
  retention: 'ObjectRetention',
  select: 'ObjectContent',
  tagging: 'ObjectTagging',
  torrent: 'ObjectTorrent',
  uploadId: 'MultipartUpload',
  uploads: 'MultipartUpload',
};
const WHOLE_NAMES: Readonly<Record<string, string>> = {
  'PUT renameObject': 'RenameObject',
  'POST restore': 'RestoreObject',
  'POST select': 'SelectObjectContent',
  'GET session': 'CreateSession',
};

/** Parameters of operations, which name no sub-resource. */
const PARAMETERS = new Set([
  'id',
  'list-type',
  'prefix',
  'delimiter',
  'marker',
  'max-keys',
  'start-after',
  'continuation-token',
  'encoding-type',
  'fetch-owner',
  'allow-unordered',
  'key-marker',
  'version-id-marker',
  'upload-id-marker',
  'max-uploads',
  'max-parts',
  'part-number-marker',
  'max-buckets',
  'bucket-region',
  'versionId',
  'select-type',
  'AWSAccessKeyId',
  'Signature',
  'Expires',
  'content-type',
  'content-md5',
]);
const PARAMETER = /^(?:x-|response-)/i;

const ofService: Readonly<Record<string, Operation>> = { 'GET ': bucketOf.listBuckets };

const ofBucket: Readonly<Record<string, Operation>> = {
  'GET ': listObjects,
  'HEAD ': bucketOf.headBucket,
  'PUT ': bucketOf.createBucket,
  'DELETE ': bucketOf.deleteBucket,
  'POST delete': deleteObjects,
  'GET lifecycle': bucketOf.getBucketLifecycle,
  'PUT lifecycle': bucketOf.putBucketLifecycle,
  'DELETE lifecycle': bucketOf.deleteBucketLifecycle,
  'GET location': bucketOf.getBucketLocation,
  'GET tagging': bucketOf.getBucketTagging,
  'PUT tagging': bucketOf.putBucketTagging,
  'DELETE tagging': bucketOf.deleteBucketTagging,
  'GET uploads': listMultipartUploads,
  'GET versions': listObjectVersions,
  ...unsetOfBucket,
};

const ofObject: Readonly<Record<string, Operation>> = {
  'GET ': getObject,
  'HEAD ': headObject,
  'PUT ': putObject,
  'DELETE ': deleteObject,
  'GET attributes': getObjectAttributes,
  'POST uploads': upload.createMultipartUpload,
  'PUT uploadId': upload.uploadPart,
  'POST uploadId': completeMultipartUpload,
  'DELETE uploadId': upload.abortMultipartUpload,
  'GET uploadId': upload.listParts,
  ...subResourcesOfObject,
};

/** @throws {S3Error} NotImplemented, MethodNotAllowed */
export function operationOf(
  method: string,
  { bucket, key }: { bucket: string; key: string },
  query: URLSearchParams,
): Operation {
  const table = bucket === '' ? ofService : key === '' ? ofBucket : ofObject;
  const names = bucket === '' ? {} : key === '' ? BUCKET_NAMES : OBJECT_NAMES;
  const subs = subResources(query, names, method);
  if (subs.length > 1) {
    throw new S3Error('InvalidRequest', 400, `Conflicting query parameters: ${subs.join(', ')}`);
  }
  const sub = subs[0] ?? '';
  const operation = table[`${method} ${sub}`];
  if (operation !== undefined) return operation;
  if (sub !== '') throw notImplemented(`The operation ${nameOf(method, sub, names)}`);
  throw new S3Error(
    'MethodNotAllowed',
    405,
    'The specified method is not allowed against this resource.',
    { details: { Method: method } },
  );
}

/**
 * Those that S3 has, and every other parameter that could be one. A read may carry parameters that mean
 * nothing, with a value, as those against caches are.
 */
function subResources(
  query: URLSearchParams,
  names: Readonly<Record<string, string>>,
  method: string,
): string[] {
  const isRead = method === 'GET' || method === 'HEAD';
  return [...new Set(query.keys())].filter((name) => {
    if (Object.hasOwn(names, name)) return true;
    // A part of no upload must not be taken for the object.
    if (name === 'partNumber') return !isRead && !query.has('uploadId');
    if (PARAMETERS.has(name) || PARAMETER.test(name)) return false;
    return !isRead || query.get(name) === '';
  });
}

function nameOf(method: string, sub: string, names: Readonly<Record<string, string>>): string {
  const whole = WHOLE_NAMES[`${method} ${sub}`];
  if (whole !== undefined) return whole;
  const name = Object.hasOwn(names, sub) ? names[sub] : undefined;
  if (name === undefined) return `${method} ?${sub.slice(0, 60)}`;
  return `${method.charAt(0)}${method.slice(1).toLowerCase()}${name}`;
}
