/** Calls that a role may not be allowed, as a client makes them, each on something that exists. */
import {
  CreateTagsCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import {
  DeleteMessageBatchCommand,
  GetQueueUrlCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { type CloudNames, PROJECT_TAG } from '../../cloud/contract/names.ts';
import type { Ec2Clients } from '../../cloud/ec2/client.ts';

/** What the calls are about. */
export interface Things {
  readonly own: CloudNames;
  /** Of another project in the same account. */
  readonly foreign: CloudNames;
  queueUrl(name: string): string;
  /** An instance of this project, one of another project, and one without tags. */
  readonly instances: { readonly own: string; readonly foreign: string; readonly bare: string };
  readonly templates: { readonly own: string; readonly foreign: string };
  readonly image: string;
  /** The web tier's instance profile, which no worker may be launched with. */
  readonly webProfile: string;
}

export type Tries = Readonly<Record<string, (clients: Ec2Clients) => Promise<unknown>>>;

export const KEY = 'somebody.jpg';

export function objects(things: Things) {
  const { own, foreign } = things;
  const get =
    (Bucket: string, Key = KEY) =>
    ({ s3 }: Ec2Clients) =>
      s3.send(new GetObjectCommand({ Bucket, Key }));
  const put =
    (Bucket: string, Key = KEY) =>
    ({ s3 }: Ec2Clients) =>
      s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  const drop =
    (Bucket: string, Key = KEY) =>
    ({ s3 }: Ec2Clients) =>
      s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const keys =
    (Bucket: string) =>
    ({ s3 }: Ec2Clients) =>
      s3.send(new ListObjectsV2Command({ Bucket }));
  const everywhere: Tries = {
    'read another project’s photo': get(foreign.inBucket),
    'write into another project’s photos': put(foreign.inBucket),
    'read another project’s answer': get(foreign.outBucket),
    'change another project’s answer': put(foreign.outBucket),
    'delete another project’s answer': drop(foreign.outBucket),
    'list another project’s answers': keys(foreign.outBucket),
    'read another project’s people': get(foreign.peopleBucket, 'gallery/head.json'),
    'change another project’s people': put(foreign.peopleBucket, 'gallery/head.json'),
    'list another project’s people': keys(foreign.peopleBucket),
    'list every bucket of the account': ({ s3 }) => s3.send(new ListBucketsCommand({})),
    'make a bucket': ({ s3 }) => s3.send(new CreateBucketCommand({ Bucket: 'demo-other-bucket' })),
    'keep photos for longer': ({ s3 }) =>
      s3.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket: own.inBucket,
          LifecycleConfiguration: {
            Rules: [{ Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 3650 } }],
          },
        }),
      ),
  };
  return { get, put, drop, keys, everywhere };
}

export function queues({ own, foreign, queueUrl }: Things) {
  const receive =
    (name: string) =>
    ({ sqs }: Ec2Clients) =>
      sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl(name) }));
  const send =
    (name: string) =>
    ({ sqs }: Ec2Clients) =>
      sqs.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl(name),
          Entries: [{ Id: '0', MessageBody: 'x' }],
        }),
      );
  const drop =
    (name: string) =>
    ({ sqs }: Ec2Clients) =>
      sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: queueUrl(name),
          Entries: [{ Id: '0', ReceiptHandle: 'x' }],
        }),
      );
  const everywhere: Tries = {
    'find another project’s queue': ({ sqs }) =>
      sqs.send(new GetQueueUrlCommand({ QueueName: foreign.requestQueue })),
    'send to another project': send(foreign.requestQueue),
    'receive another project’s requests': receive(foreign.requestQueue),
    'receive another project’s replies': receive(foreign.replyQueue),
    'empty the request queue': ({ sqs }) =>
      sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrl(own.requestQueue) })),
    'change the request queue': ({ sqs }) =>
      sqs.send(
        new SetQueueAttributesCommand({
          QueueUrl: queueUrl(own.requestQueue),
          Attributes: { VisibilityTimeout: '1' },
        }),
      ),
  };
  return { receive, send, drop, everywhere };
}

export function launches({ image, templates, webProfile }: Things, id: string) {
  const mark = (project: string) =>
    (['instance', 'volume'] as const).map((ResourceType) => ({
      ResourceType,
      Tags: [{ Key: PROJECT_TAG, Value: project }],
    }));
  const run =
    (more: Partial<RunInstancesCommandInput>) =>
    ({ ec2 }: Ec2Clients) =>
      ec2.send(
        new RunInstancesCommand({
          InstanceType: 't3.small',
          MinCount: 1,
          MaxCount: 1,
          TagSpecifications: mark(id),
          ...more,
        }),
      );
  const own = { LaunchTemplate: { LaunchTemplateId: templates.own, Version: '$Latest' } };
  return {
    'launch without the template': run({ ImageId: image }),
    'launch from another template': run({
      LaunchTemplate: { LaunchTemplateId: templates.foreign, Version: '$Latest' },
    }),
    'launch without the project’s tag': run({ ...own, TagSpecifications: [] }),
    'launch with another project’s tag': run({ ...own, TagSpecifications: mark('other') }),
    'launch a worker with the web tier’s role': run({
      ...own,
      IamInstanceProfile: { Name: webProfile },
    }),
    'launch with a key pair': run({ ...own, KeyName: 'somebody' }),
  } satisfies Tries;
}

export function instancesOf(
  { instances }: Things,
  which: 'foreign' | 'bare',
  words: string,
): Tries {
  const InstanceIds = [instances[which]];
  return {
    [`terminate ${words}`]: ({ ec2 }) => ec2.send(new TerminateInstancesCommand({ InstanceIds })),
    [`stop ${words}`]: ({ ec2 }) => ec2.send(new StopInstancesCommand({ InstanceIds })),
    [`start ${words}`]: ({ ec2 }) => ec2.send(new StartInstancesCommand({ InstanceIds })),
    [`name ${words}`]: tag(instances[which], 'Name', 'app-tier-instance-1'),
    [`take over ${words}`]: tag(instances[which], PROJECT_TAG, 'demo'),
  };
}

export const tag =
  (id: string, Key: string, Value: string) =>
  ({ ec2 }: Ec2Clients) =>
    ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key, Value }] }));

export function launchOwn({ templates }: Things, id: string) {
  return ({ ec2 }: Ec2Clients) =>
    ec2.send(
      new RunInstancesCommand({
        LaunchTemplate: { LaunchTemplateId: templates.own, Version: '$Latest' },
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: (['instance', 'volume'] as const).map((ResourceType) => ({
          ResourceType,
          Tags: [{ Key: PROJECT_TAG, Value: id }],
        })),
      }),
    );
}
