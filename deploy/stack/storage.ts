/** Where photos, results and messages lie: private, encrypted, and gone after the days that were chosen. */
import { Aws, CfnCondition, CfnParameter, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { cloudNames } from '../../cloud/contract/names.ts';
import { bucketEndings, type StackOptions } from './options.ts';

const VISIBILITY = Duration.seconds(30);
/** SQS's longest: a person has to look at dead letters. */
const LONGEST = Duration.days(14);
/** One more than MAX_RECEIVES: the worker writes the letter itself, with its reason. */
const MOST_DELIVERIES = 6;

type StorageOptions = Pick<StackOptions, 'id' | 'region' | 'keepDays' | 'bucketNames'>;

export class Storage extends Construct {
  readonly inBucket: Bucket;
  readonly outBucket: Bucket;
  readonly peopleBucket: Bucket;
  readonly requests: Queue;
  readonly replies: Queue;
  readonly deadLetters: Queue;
  /** BUCKET_SUFFIX, where there is one. */
  readonly bucketSuffix: string | undefined;

  constructor(scope: Construct, options: StorageOptions) {
    super(scope, 'Storage');
    const { id, keepDays, bucketNames } = options;
    this.bucketSuffix = bucketNames === 'account' ? this.#suffix(options) : undefined;
    const names = cloudNames(id, this.bucketSuffix);
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

  /**
   * A parameter without a default, so that a stack keeps the names that it was created with: CloudFormation
   * refuses an update that does not say them, where another name would mean new, empty buckets.
   */
  #suffix(options: StorageOptions): string {
    const stack = Stack.of(this);
    const ending = new CfnParameter(stack, 'BucketNames', {
      allowedValues: bucketEndings(options),
      description:
        'What bucket names end with. account-region for a new stack; a stack created before names held the region keeps account',
    });
    const hasRegion = new CfnCondition(stack, 'BucketNamesHaveRegion', {
      expression: Fn.conditionEquals(ending.valueAsString, 'account-region'),
    });
    return Fn.conditionIf(
      hasRegion.logicalId,
      `${Aws.ACCOUNT_ID}-${options.region}`,
      Aws.ACCOUNT_ID,
    ).toString();
  }
}
