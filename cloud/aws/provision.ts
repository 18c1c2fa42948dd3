/** Creates the missing queues and buckets of a project, and sets the queues' attributes. */

import {
  BucketAlreadyExists,
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  HeadBucketCommand,
  NotFound,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { errorClass } from '../../runtime/errors.ts';
import type { Settings } from '../../runtime/settings.ts';
import { cloudNames } from '../contract/names.ts';
import { workKeys } from '../contract/people-work.ts';
import type { AwsClients } from './clients.ts';
import { setRetention } from './s3/retention.ts';

/** Dead letters stay for SQS's longest, 14 days, since a person has to look at them. */
const DEAD_LETTER_SECONDS = 1_209_600;
/** Photos on their way to a worker are deleted when their request ends, unless its web node has died. */
const WORK_DAYS = 1;

type ProvisionSettings = Pick<
  Settings,
  | 'PROJECT_ID'
  | 'BUCKET_SUFFIX'
  | 'AWS_REGION'
  | 'RETENTION_DAYS'
  | 'VISIBILITY_SECONDS'
  | 'MAX_RECEIVES'
>;

/** A bucket of the project's name is not this account's. */
export class BucketOwnerError extends errorClass('bucket-owner') {
  constructor(bucket: string, cause: unknown) {
    super(
      `The bucket ${bucket} belongs to another account, or access to it is denied. Choose another PROJECT_ID or set BUCKET_SUFFIX, e.g. to your account’s id; if the bucket is yours, check ACCOUNT_ID and the right s3:ListBucket.`,
      { cause },
    );
  }
}

/**
 * Idempotent: what exists is kept, with its messages and objects.
 * @throws {BucketOwnerError} when a bucket is another account's
 */
export async function provision(clients: AwsClients, settings: ProvisionSettings): Promise<void> {
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
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
    if (isForbidden(error)) throw new BucketOwnerError(name, error);
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
    if (error instanceof BucketAlreadyExists) throw new BucketOwnerError(name, error);
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403;
}
