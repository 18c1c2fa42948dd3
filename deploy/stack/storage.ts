/** Where photos, results and messages lie: private, encrypted, and gone after the days that were chosen. */
import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { cloudNames } from '../../cloud/contract/names.ts';
import type { StackOptions } from './options.ts';

const VISIBILITY = Duration.seconds(30);
/** SQS's longest: a person has to look at dead letters. */
const LONGEST = Duration.days(14);
/** One more than MAX_RECEIVES: the worker writes the letter itself, with its reason. */
const MOST_DELIVERIES = 6;

export class Storage extends Construct {
  readonly inBucket: Bucket;
  readonly outBucket: Bucket;
  readonly peopleBucket: Bucket;
  readonly requests: Queue;
  readonly replies: Queue;
  readonly deadLetters: Queue;

  constructor(
    scope: Construct,
    { id, keepDays, bucketNames }: Pick<StackOptions, 'id' | 'keepDays' | 'bucketNames'>,
  ) {
    super(scope, 'Storage');
    const names = cloudNames(id, bucketNames === 'account' ? Aws.ACCOUNT_ID : undefined);
    const bucket = (
      name: string,
      bucketName: string,
      expires: { prefix?: string; expiration: Duration },
    ): Bucket =>
      new Bucket(this, name, {
        bucketName,
        encryption: BucketEncryption.S3_MANAGED,
        blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
        enforceSSL: true,
        // The command that destroys a stack empties its buckets first.
        removalPolicy: RemovalPolicy.DESTROY,
        lifecycleRules: [expires, { abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      });
    const queue = (name: string, queueName: string, rest: object = {}): Queue =>
      new Queue(this, name, {
        queueName,
        encryption: QueueEncryption.SQS_MANAGED,
        enforceSSL: true,
        visibilityTimeout: VISIBILITY,
        ...rest,
      });
    const afterDays = { expiration: Duration.days(keepDays) };
    this.inBucket = bucket('InBucket', names.inBucket, afterDays);
    this.outBucket = bucket('OutBucket', names.outBucket, afterDays);
    // The gallery stays; photos on their way to a worker go, also when their web node died.
    const leftovers = { prefix: 'work/', expiration: Duration.days(1) };
    this.peopleBucket = bucket('PeopleBucket', names.peopleBucket, leftovers);
    this.deadLetters = queue('DeadLetters', names.deadLetterQueue, { retentionPeriod: LONGEST });
    this.requests = queue('Requests', names.requestQueue, {
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MOST_DELIVERIES },
    });
    this.replies = queue('Replies', names.replyQueue);
  }
}
