/** Creates the missing queues and buckets of a project, and sets the queues' attributes. */

import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  HeadBucketCommand,
  NotFound,
  type S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Settings } from '../../runtime/settings.ts';
import { cloudNames } from '../contract/names.ts';
import { workKeys } from '../contract/people-work.ts';
import type { AwsClients } from './clients.ts';
import { setRetention } from './retention.ts';

/** Dead letters stay for SQS's longest, 14 days, since a person has to look at them. */
const DEAD_LETTER_SECONDS = 1_209_600;
/** Photos on their way to a worker are deleted when their request ends, unless its web node has died. */
const WORK_DAYS = 1;

type ProvisionSettings = Pick<
  Settings,
  'PROJECT_ID' | 'AWS_REGION' | 'RETENTION_DAYS' | 'VISIBILITY_SECONDS' | 'MAX_RECEIVES'
>;

/** Idempotent: what exists is kept, with its messages and objects. */
export async function provision(clients: AwsClients, settings: ProvisionSettings): Promise<void> {
  const names = cloudNames(settings.PROJECT_ID);
  const deadLetters = await ensureQueue(clients.sqs, names.deadLetterQueue, {
    MessageRetentionPeriod: String(DEAD_LETTER_SECONDS),
  });
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ['QueueArn'] }),
  );
  await ensureQueue(clients.sqs, names.requestQueue, {
    VisibilityTimeout: String(Math.ceil(settings.VISIBILITY_SECONDS)),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: Attributes?.QueueArn,
      // One more than the worker tries: it then writes the letter itself, with the reason, also for
      // requests whose workers all died before they could.
      maxReceiveCount: settings.MAX_RECEIVES + 1,
    }),
  });
  await ensureQueue(clients.sqs, names.replyQueue, { VisibilityTimeout: '30' });
  for (const bucket of [names.inBucket, names.outBucket]) {
    await ensureBucket(clients.s3, bucket, settings.AWS_REGION);
    await setRetention(clients.s3, bucket, settings.RETENTION_DAYS);
  }
  // The gallery stays however old it is; what a request has left behind does not.
  await ensureBucket(clients.s3, names.peopleBucket, settings.AWS_REGION);
  await setRetention(clients.s3, names.peopleBucket, WORK_DAYS, workKeys.all);
}

async function ensureQueue(
  sqs: SQSClient,
  name: string,
  attributes: Record<string, string>,
): Promise<string> {
  try {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: attributes }));
    return QueueUrl ?? name;
  } catch (error) {
    if (!(error instanceof QueueDoesNotExist)) throw error;
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
    );
    return QueueUrl ?? name;
  }
}

async function ensureBucket(s3: S3Client, name: string, region: string): Promise<void> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: name }));
    return;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
  try {
    await s3.send(
      new CreateBucketCommand({
        Bucket: name,
        // us-east-1 is S3's default and may not be named.
        ...(region === 'us-east-1'
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: region as never } }),
      }),
    );
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
  }
}
