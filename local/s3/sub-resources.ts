/**
 * Sub-resources of buckets and objects. Tags of objects are kept; reading any other answers what S3 says
 * where it was never set, deleting one leaves nothing to do, and setting one is not implemented.
 */

import { MOST_OBJECT_TAGS, tagsOfXml, tagsXml } from './buckets/tag-set.ts';
import { S3Error } from './errors.ts';
import { contentOf } from './objects/content.ts';
import { ACCOUNT, checkVersion, type Operation, xmlAnswer } from './request.ts';
import { extrasOf, withExtras } from './store.ts';
import { documentXml, type Elements } from './xml.ts';

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
