/**
 * Sub-resources of buckets and objects. Tags are kept, by the rules for sets of tags; reading any other
 * answers what S3 says where it was never set, deleting one leaves nothing to do, and setting one is not
 * implemented.
 */

import { z } from 'zod';
import { S3Error } from './errors.ts';
import { contentOf } from './objects/content.ts';
import { ACCOUNT, checkVersion, type Operation, xmlAnswer } from './request.ts';
import { extrasOf, withExtras } from './store.ts';
import { documentXml, type Elements, parseXml } from './xml.ts';

const OWNER = { ID: ACCOUNT, DisplayName: 'local' };
/** The grantee's type is an attribute, which SDKs read. */
const ACL = documentXml('AccessControlPolicy', {
  Owner: OWNER,
  AccessControlList: { Grant: { Grantee: OWNER, Permission: 'FULL_CONTROL' } },
}).replace(
  '<Grantee>',
  '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">',
);

/** A document that says that nothing is set. */
const EMPTY: Readonly<Record<string, [root: string, elements: Elements]>> = {
  accelerate: ['AccelerateConfiguration', {}],
  logging: ['BucketLoggingStatus', {}],
  notification: ['NotificationConfiguration', {}],
  requestPayment: ['RequestPaymentConfiguration', { Payer: 'BucketOwner' }],
  versioning: ['VersioningConfiguration', {}],
  encryption: [
    'ServerSideEncryptionConfiguration',
    {
      Rule: {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
        BucketKeyEnabled: false,
      },
    },
  ],
  ownershipControls: ['OwnershipControls', { Rule: { ObjectOwnership: 'BucketOwnerEnforced' } }],
};

/** An error that says that nothing is set. */
const MISSING: Readonly<Record<string, [code: string, message: string]>> = {
  cors: ['NoSuchCORSConfiguration', 'The CORS configuration does not exist'],
  'object-lock': [
    'ObjectLockConfigurationNotFoundError',
    'Object Lock configuration does not exist for this bucket',
  ],
  policy: ['NoSuchBucketPolicy', 'The bucket policy does not exist'],
  policyStatus: ['NoSuchBucketPolicy', 'The bucket policy does not exist'],
  publicAccessBlock: [
    'NoSuchPublicAccessBlockConfiguration',
    'The public access block configuration was not found',
  ],
  replication: [
    'ReplicationConfigurationNotFoundError',
    'The replication configuration was not found',
  ],
  website: [
    'NoSuchWebsiteConfiguration',
    'The specified bucket does not have a website configuration',
  ],
};

/** Kept under ids: one of them, or all. */
const LISTED: Readonly<Record<string, string>> = {
  analytics: 'ListBucketAnalyticsConfigurationResult',
  'intelligent-tiering': 'ListBucketIntelligentTieringConfigurationsOutput',
  inventory: 'ListInventoryConfigurationsResult',
  metrics: 'ListMetricsConfigurationsResult',
};

/** Deleting these is no error where there are none. */
const DELETABLE = [
  'cors',
  'encryption',
  'ownershipControls',
  'policy',
  'publicAccessBlock',
  'replication',
  'website',
];

function ofBucket(operation: Operation): Operation {
  return (request) => {
    request.buckets.objects(request.bucket);
    return operation(request);
  };
}

function missing(code: string, message: string): Operation {
  return ofBucket(({ bucket }) => {
    throw new S3Error(code, 404, message, { details: { BucketName: bucket } });
  });
}

function listed(root: string): Operation {
  return ofBucket(({ query }) => {
    if (!query.has('id')) return xmlAnswer(documentXml(root, { IsTruncated: false }));
    throw new S3Error('NoSuchConfiguration', 404, 'The specified configuration does not exist.');
  });
}

/** By method and sub-resource, e.g. `GET policy`. */
export const unsetOfBucket: Readonly<Record<string, Operation>> = {
  'GET acl': ofBucket(() => xmlAnswer(ACL)),
  ...Object.fromEntries([
    ...Object.entries(EMPTY).map(([name, [root, elements]]) => [
      `GET ${name}`,
      ofBucket(() => xmlAnswer(documentXml(root, elements))),
    ]),
    ...Object.entries(MISSING).map(([name, of]) => [`GET ${name}`, missing(...of)]),
    ...Object.entries(LISTED).map(([name, root]) => [`GET ${name}`, listed(root)]),
    ...DELETABLE.map((name) => [`DELETE ${name}`, ofBucket(() => ({ status: 204 }))]),
  ]),
};

function ofObject(operation: Operation): Operation {
  return (request) => {
    request.buckets.objects(request.bucket);
    checkVersion(request.query.get('versionId'));
    request.buckets.find(request.bucket, request.key);
    return operation(request);
  };
}

const unlocked = ofObject(() => {
  throw new S3Error('InvalidRequest', 400, 'Bucket is missing Object Lock Configuration');
});

function setTags(
  { buckets, bucket, key }: Parameters<Operation>[0],
  tags: Readonly<Record<string, string>> | undefined,
): void {
  const object = buckets.find(bucket, key);
  const { tags: _old, ...extras } = extrasOf(object.metadata);
  const kept = tags === undefined || Object.keys(tags).length === 0 ? extras : { ...extras, tags };
  buckets.amend(bucket, { ...object, metadata: withExtras(object.metadata, kept) });
}

/** By method and sub-resource; tags are the one that objects here have. */
export const subResourcesOfObject: Readonly<Record<string, Operation>> = {
  'GET acl': ofObject(() => xmlAnswer(ACL)),
  'GET legal-hold': unlocked,
  'GET retention': unlocked,
  'GET tagging': ofObject(({ buckets, bucket, key }) =>
    xmlAnswer(tagsXml(extrasOf(buckets.find(bucket, key).metadata).tags ?? {})),
  ),
  'PUT tagging': ofObject(async (request) => {
    const { bytes } = await contentOf(request);
    setTags(request, tagsOfXml(bytes, MOST_OBJECT_TAGS));
    return { status: 200 };
  }),
  'DELETE tagging': ofObject((request) => {
    setTags(request, undefined);
    return { status: 204 };
  }),
};

export type Tags = Readonly<Record<string, string>>;

const MOST_OBJECT_TAGS = 10;
export const MOST_BUCKET_TAGS = 50;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
const TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

const tag = z.strictObject({ Key: z.string(), Value: z.string() });
const tagging = z.object({
  Tagging: z.object({
    TagSet: z.union([z.object({ Tag: z.array(tag).default([]) }), z.string()]),
  }),
});

/** @throws {S3Error} MalformedXML, InvalidTag, BadRequest for too many */
export function tagsOfXml(body: Buffer, most: number): Tags {
  const { TagSet } = parseXml(body, tagging).Tagging;
  const pairs = typeof TagSet === 'string' ? [] : TagSet.Tag;
  return checked(
    pairs.map(({ Key, Value }) => [Key, Value]),
    most,
  );
}

/** Of `x-amz-tagging`, which is written as a query. */
export function tagsOfHeader(text: string): Tags {
  return checked([...new URLSearchParams(text)], MOST_OBJECT_TAGS);
}

export function tagsXml(tags: Tags): string {
  const Tag = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return documentXml('Tagging', { TagSet: { Tag } });
}

function checked(pairs: readonly (readonly [string, string])[], most: number): Tags {
  if (pairs.length > most) {
    throw new S3Error('BadRequest', 400, `Object tags cannot be greater than ${most}`);
  }
  const tags = new Map<string, string>();
  for (const [key, value] of pairs) {
    if (tags.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key', key);
    if (key === '' || key.length > 128 || !TEXT.test(key) || /^aws:/i.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid', key);
    }
    if (value.length > 256 || !TEXT.test(value)) {
      throw invalidTag('The TagValue you have provided is invalid', key);
    }
    tags.set(key, value);
  }
  return Object.fromEntries(tags);
}

function invalidTag(message: string, key: string): S3Error {
  return new S3Error('InvalidTag', 400, message, { details: { TagKey: key.slice(0, 128) } });
}
