/**
 * Which accesses a signed call to AWS needs, as the Service Authorization Reference has them. A call that
 * this file does not know is an error: the judge must not wave it through.
 */

import { ec2Accesses, type Surroundings } from './ec2-calls.fixture.ts';
import type { Access } from './policy.fixture.ts';

export interface SignedCall {
  readonly service: string;
  readonly method: string;
  /** Path and query, escaped as sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export class UnknownCall extends Error {}

export async function accessesOf(call: SignedCall, around: Surroundings): Promise<Access[]> {
  switch (call.service) {
    case 's3':
      return s3Accesses(call);
    case 'sqs':
      return sqsAccesses(call, around);
    case 'ec2':
      return ec2Accesses(new URLSearchParams(call.body.toString()), around);
    case 'cloudformation':
      return stackAccesses(new URLSearchParams(call.body.toString()), around);
    case 'ssm':
      return parameterAccesses(call, around);
    case 'sts':
      return []; // GetCallerIdentity is allowed to every identity, also against a Deny.
    default:
      throw new UnknownCall(`no rule for calls to ${call.service}`);
  }
}

/** SQS's batches need the right to the single call. */
function sqsAccesses({ headers, body }: SignedCall, around: Surroundings): Access[] {
  const operation = String(headers['x-amz-target'] ?? '').replace(/^AmazonSQS\./, '');
  const input = JSON.parse(body.toString() || '{}') as Record<string, string | undefined>;
  const name = input.QueueName ?? input.QueueUrl?.split('/').at(-1);
  if (operation === '' || name === undefined) throw new UnknownCall(`sqs ${operation}`);
  return [
    {
      action: `sqs:${operation.replace(/Batch$/, '')}`,
      resource: `arn:aws:sqs:${around.region}:${around.account}:${name}`,
      context: {},
    },
  ];
}

function parameterAccesses({ headers, body }: SignedCall, around: Surroundings): Access[] {
  const operation = String(headers['x-amz-target'] ?? '').replace(/^AmazonSSM\./, '');
  const { Name } = JSON.parse(body.toString() || '{}') as { Name?: string };
  if (operation !== 'GetParameter' || Name === undefined) throw new UnknownCall(`ssm ${operation}`);
  const resource = `arn:aws:ssm:${around.region}:${around.account}:parameter${Name}`;
  return [{ action: 'ssm:GetParameter', resource, context: {} }];
}

const BUCKET_CALLS: Readonly<Record<string, string>> = {
  'HEAD ': 'ListBucket',
  'GET ': 'ListBucket',
  'PUT ': 'CreateBucket',
  'GET versions': 'ListBucketVersions',
  'GET uploads': 'ListBucketMultipartUploads',
  'GET lifecycle': 'GetLifecycleConfiguration',
  'PUT lifecycle': 'PutLifecycleConfiguration',
  'DELETE lifecycle': 'PutLifecycleConfiguration',
  'GET versioning': 'GetBucketVersioning',
};
const OBJECT_CALLS: Readonly<Record<string, string>> = {
  'GET ': 'GetObject',
  'HEAD ': 'GetObject',
  'PUT ': 'PutObject',
  'DELETE ': 'DeleteObject',
  'GET versionId': 'GetObjectVersion',
  'DELETE versionId': 'DeleteObjectVersion',
  'POST uploads': 'PutObject',
  'PUT uploadId': 'PutObject',
  'POST uploadId': 'PutObject',
  'GET uploadId': 'ListMultipartUploadParts',
  'DELETE uploadId': 'AbortMultipartUpload',
};
/** What makes a query another call; the other parameters, e.g. `prefix`, only refine it. */
const SUB_RESOURCES = ['versions', 'uploads', 'lifecycle', 'versioning', 'versionId', 'uploadId'];
const OTHER_SUB_RESOURCES =
  /^(?:acl|policy|tagging|cors|website|encryption|notification|replication|logging|publicAccessBlock|object-lock|retention|restore|select|torrent|inventory|analytics|metrics|ownershipControls|requestPayment|accelerate)$/;

export const arnOfObject = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}/${key}`;

/** @returns undefined where the call names no object */
export function objectOf({
  service,
  target,
}: SignedCall): { bucket: string; key: string } | undefined {
  if (service !== 's3') return undefined;
  const [, bucket = '', ...key] = pathOf(target).split('/').map(decodeURIComponent);
  return key.length > 0 && key.join('/') !== '' ? { bucket, key: key.join('/') } : undefined;
}

function s3Accesses(call: SignedCall): Access[] {
  const { method, target, headers, body } = call;
  const query = new URLSearchParams(target.split('?')[1] ?? '');
  const named = [...query.keys()];
  const other = named.find((name) => OTHER_SUB_RESOURCES.test(name));
  const sub = SUB_RESOURCES.find((name) => query.has(name)) ?? '';
  const object = objectOf(call);
  const bucket = decodeURIComponent(pathOf(target).split('/')[1] ?? '');
  if (target.split('?')[0] === '/' && method === 'GET') {
    return [{ action: 's3:ListAllMyBuckets', resource: '*', context: {} }];
  }
  if (other !== undefined || bucket === '') throw new UnknownCall(`s3 ${method} ${target}`);
  const access = (action: string | undefined, resource: string): Access => {
    if (action === undefined) throw new UnknownCall(`s3 ${method} ${target}`);
    return { action: `s3:${action}`, resource, context: {} };
  };
  if (object === undefined) {
    if (method === 'POST' && query.has('delete')) return deletions(bucket, body.toString(), access);
    return [access(BUCKET_CALLS[`${method} ${sub}`], `arn:aws:s3:::${bucket}`)];
  }
  const source = headers['x-amz-copy-source'];
  return [
    ...(typeof source === 'string'
      ? [access('GetObject', `arn:aws:s3:::${decodeURIComponent(source.replace(/^\//, ''))}`)]
      : []),
    access(OBJECT_CALLS[`${method} ${sub}`], arnOfObject(bucket, object.key)),
  ];
}

/** DeleteObjects: each of its objects is judged. */
function deletions(
  bucket: string,
  xml: string,
  access: (action: string, resource: string) => Access,
): Access[] {
  return [...xml.matchAll(/<Object>(.*?)<\/Object>/gs)].map(([, object = '']) => {
    const key = unescapeXml(/<Key>(.*?)<\/Key>/s.exec(object)?.[1] ?? '');
    const versioned = object.includes('<VersionId>');
    return access(versioned ? 'DeleteObjectVersion' : 'DeleteObject', arnOfObject(bucket, key));
  });
}

function stackAccesses(form: URLSearchParams, { region, account }: Surroundings): Access[] {
  const action = form.get('Action') ?? '';
  const name = form.get('StackName');
  if (name === null) throw new UnknownCall(`cloudformation ${action} of every stack`);
  const resource = `arn:aws:cloudformation:${region}:${account}:stack/${name}/00000000-0000`;
  return [{ action: `cloudformation:${action}`, resource, context: {} }];
}

function pathOf(target: string): string {
  return target.split('?')[0] ?? '';
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&#xD;', '\r')
    .replaceAll('&amp;', '&');
}
