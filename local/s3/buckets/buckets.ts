/** Buckets themselves, and their lifecycle and tags. */
import { z } from 'zod';
import { invalidArgument, notImplemented, S3Error } from '../errors.ts';
import { compareKeys } from '../key-order.ts';
import { contentOf } from '../objects/content.ts';
import { ACCOUNT, type Operation, type S3Request, wholeNumber, xmlAnswer } from '../request.ts';
import { MOST_BUCKET_TAGS, tagsOfXml, tagsXml } from '../sub-resources.ts';
import { documentXml, parseXml } from '../xml.ts';

const MOST_BUCKETS = 10_000;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const NAME = /^(?=.{3,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const RESERVED =
  /^(?:\d+\.\d+\.\d+\.\d+$|xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|\.mrap|--table-s3)$/;
const LOCATION = 'location';
const TAGS = 'tagging';

export const listBuckets: Operation = ({ buckets, query, region }) => {
  const prefix = query.get('prefix') ?? '';
  const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString();
  const most = wholeNumber(query.get('max-buckets') ?? String(MOST_BUCKETS), {
    name: 'max-buckets',
    low: 1,
    high: MOST_BUCKETS,
  });
  const rest = buckets.store
    .listBuckets()
    .filter(({ name }) => name.startsWith(prefix) && compareKeys(name, after) > 0)
    .sort((a, b) => compareKeys(a.name, b.name));
  const page = rest.slice(0, most);
  return xmlAnswer(
    documentXml('ListAllMyBucketsResult', {
      Owner: { ID: ACCOUNT, DisplayName: 'local' },
      Buckets: {
        Bucket: page.map(({ name, creationDate }) => ({
          Name: name,
          CreationDate: creationDate.toISOString(),
          BucketRegion: buckets.document(name, LOCATION) ?? region,
        })),
      },
      ContinuationToken:
        page.length < rest.length ? Buffer.from(page.at(-1)!.name).toString('base64') : undefined,
      Prefix: query.get('prefix') ?? undefined,
    }),
  );
};

const configuration = z.object({
  CreateBucketConfiguration: z.union([
    z.string(),
    z.object({
      LocationConstraint: z.string().optional(),
      Bucket: z.object({ Type: z.string().optional() }).optional(),
    }),
  ]),
});

export const createBucket: Operation = async (request) => {
  const { buckets, bucket } = request;
  if (bucket.endsWith('--x-s3')) throw notImplemented('A directory bucket');
  if (!NAME.test(bucket) || RESERVED.test(bucket)) {
    throw new S3Error('InvalidBucketName', 400, 'The specified bucket is not valid.', {
      details: { BucketName: bucket.slice(0, 100) },
    });
  }
  const location = await locationOf(request);
  if (request.headers['x-amz-bucket-object-lock-enabled'] === 'true') {
    throw notImplemented('Object Lock');
  }
  if (buckets.has(bucket)) {
    const made = buckets.document(bucket, LOCATION);
    // Only us-east-1 takes a second creation as done.
    if (made !== undefined || location !== undefined) {
      throw new S3Error(
        'BucketAlreadyOwnedByYou',
        409,
        'Your previous request to create the named bucket succeeded and you already own it.',
        { details: { BucketName: bucket } },
      );
    }
  } else {
    buckets.create(bucket);
    if (location !== undefined) buckets.setDocument(bucket, LOCATION, location);
  }
  return { status: 200, headers: { location: `/${bucket}` } };
};

async function locationOf(request: S3Request): Promise<string | undefined> {
  const { bytes } = await contentOf(request);
  if (bytes.length === 0) return undefined;
  const { CreateBucketConfiguration: given } = parseXml(bytes, configuration);
  if (typeof given === 'string') return undefined;
  if (given.Bucket?.Type !== undefined) throw notImplemented('A directory bucket');
  const location = given.LocationConstraint;
  if (location === undefined || location === '') return undefined;
  if (location === 'EU' || /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(location)) {
    if (location !== 'us-east-1') return location;
  }
  throw new S3Error(
    'InvalidLocationConstraint',
    400,
    'The specified location-constraint is not valid',
    { details: { LocationConstraint: location.slice(0, 100) } },
  );
}

export const headBucket: Operation = ({ buckets, bucket, region }) => {
  buckets.objects(bucket);
  return {
    status: 200,
    headers: {
      'x-amz-bucket-region': buckets.document(bucket, LOCATION) ?? region,
      'x-amz-access-point-alias': 'false',
    },
  };
};

export const deleteBucket: Operation = ({ buckets, bucket }) => {
  if (buckets.objects(bucket).size > 0) {
    throw new S3Error('BucketNotEmpty', 409, 'The bucket you tried to delete is not empty', {
      details: { BucketName: bucket },
    });
  }
  buckets.delete(bucket);
  return { status: 204 };
};

/** S3 names no location for us-east-1. */
export const getBucketLocation: Operation = ({ buckets, bucket }) => {
  buckets.objects(bucket);
  const location = buckets.document(bucket, LOCATION);
  const xml = documentXml('LocationConstraint', {});
  return xmlAnswer(location === undefined ? xml : xml.replace('></', `>${location}</`));
};

export const getBucketTagging: Operation = ({ buckets, bucket }) => {
  buckets.objects(bucket);
  const tags = buckets.document(bucket, TAGS);
  if (tags !== undefined) return xmlAnswer(tagsXml(JSON.parse(tags)));
  throw new S3Error('NoSuchTagSet', 404, 'The TagSet does not exist', {
    details: { BucketName: bucket },
  });
};

export const putBucketTagging: Operation = async (request) => {
  const { buckets, bucket } = request;
  buckets.objects(bucket);
  const { bytes } = await contentOf(request);
  buckets.setDocument(bucket, TAGS, JSON.stringify(tagsOfXml(bytes, MOST_BUCKET_TAGS)));
  return { status: 204 };
};

export const deleteBucketTagging: Operation = ({ buckets, bucket }) => {
  buckets.objects(bucket);
  buckets.setDocument(bucket, TAGS, undefined);
  return { status: 204 };
};

const lifecycle = z.object({
  LifecycleConfiguration: z.object({
    Rule: z
      .array(z.looseObject({ Status: z.enum(['Enabled', 'Disabled']), ID: z.string().optional() }))
      .min(1)
      .max(1000),
  }),
});

export const putBucketLifecycle: Operation = async (request) => {
  const { buckets, bucket } = request;
  buckets.objects(bucket);
  const { bytes } = await contentOf(request);
  const { Rule } = parseXml(bytes, lifecycle).LifecycleConfiguration;
  const ids = Rule.flatMap(({ ID }) => (ID === undefined ? [] : [ID]));
  if (new Set(ids).size < ids.length) {
    throw invalidArgument('Rule ID must be unique', 'ID', ids.join());
  }
  buckets.store.putBucketLifecycleConfiguration(bucket, bytes.toString());
  return { status: 200 };
};

export const getBucketLifecycle: Operation = ({ buckets, bucket }) => {
  buckets.objects(bucket);
  const rules = buckets.store.getBucketLifecycleConfiguration(bucket);
  if (rules !== undefined) return xmlAnswer(rules);
  throw new S3Error(
    'NoSuchLifecycleConfiguration',
    404,
    'The lifecycle configuration does not exist',
    { details: { BucketName: bucket } },
  );
};

export const deleteBucketLifecycle: Operation = ({ buckets, bucket }) => {
  buckets.objects(bucket);
  buckets.store.deleteBucketLifecycleConfiguration(bucket);
  return { status: 204 };
};
