/**
 * IAM policies for the commands that a person runs: what provision, doctor and destroy call, and nothing
 * else. The services' own roles are the stack's.
 */
import { cloudNames, PROJECT_TAG, settingsParameter } from '../cloud/contract/names.ts';
import { stackName } from './destroy.ts';

export interface OperatorStatement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface OperatorPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly OperatorStatement[];
}

export type OperatorCommand = 'provision' | 'doctor' | 'destroy';

export function operatorPolicies(
  id: string,
  region: string,
): Readonly<Record<OperatorCommand, OperatorPolicy>> {
  const names = cloudNames(id);
  const arn = (service: string, what: string): string =>
    `arn:${partitionOf(region)}:${service}:${region}:*:${what}`;
  const queues = [names.requestQueue, names.replyQueue, names.deadLetterQueue].map((name) =>
    arn('sqs', name),
  );
  // The stack's names end with the account's id, the course's do not.
  const buckets = [names.inBucket, names.outBucket, names.peopleBucket]
    .flatMap((name) => [name, `${name}-*`])
    .map((name) => `arn:${partitionOf(region)}:s3:::${name}`);
  const settings = allow(['ssm:GetParameter'], [arn('ssm', `parameter${settingsParameter(id)}`)]);
  const requests = [arn('sqs', names.requestQueue)];
  return {
    provision: policy(
      settings,
      allow(
        ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes', 'sqs:CreateQueue', 'sqs:SetQueueAttributes'],
        queues,
      ),
      allow(
        [
          's3:ListBucket',
          's3:CreateBucket',
          's3:GetLifecycleConfiguration',
          's3:PutLifecycleConfiguration',
        ],
        buckets,
      ),
    ),
    doctor: policy(
      settings,
      allow(['sqs:GetQueueUrl'], queues),
      allow(['sqs:ListQueueTags', 'sqs:TagQueue', 'sqs:UntagQueue'], requests),
      allow(['s3:ListBucket', 's3:GetBucketVersioning'], buckets),
      // EC2 knows no resources for these.
      allow(['ec2:DescribeInstanceTypeOfferings', 'ec2:DescribeImages'], ['*']),
    ),
    destroy: policy(
      allow(['ec2:DescribeInstances'], ['*']),
      allow(['ec2:TerminateInstances'], [arn('ec2', 'instance/*')], {
        StringEquals: { [`aws:ResourceTag/${PROJECT_TAG}`]: id },
      }),
      allow(['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'], buckets),
      allow(
        ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:AbortMultipartUpload'],
        buckets.map((bucket) => `${bucket}/*`),
      ),
      allow(
        [
          'cloudformation:DescribeStacks',
          'cloudformation:DescribeStackEvents',
          'cloudformation:DeleteStack',
        ],
        [arn('cloudformation', `stack/${stackName(id)}/*`)],
      ),
    ),
  };
}

function policy(...Statement: readonly OperatorStatement[]): OperatorPolicy {
  return { Version: '2012-10-17', Statement };
}

function allow(
  Action: readonly string[],
  Resource: readonly string[],
  Condition?: OperatorStatement['Condition'],
): OperatorStatement {
  return { Effect: 'Allow', Action, Resource, ...(Condition === undefined ? {} : { Condition }) };
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
