/**
 * The calls that every photo makes, and those that a scaler makes every second, without the SDK's middleware: it takes
 * ten times the processor time of the HTTP call itself, and a photo makes nine calls. A call that gets no plain answer
 * is made again by the SDK, which repeats it, corrects its clock and names what is wrong. To do one of these calls
 * twice is harmless.
 */
import {
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import {
  DeleteMessageBatchCommand,
  type DeleteMessageBatchCommandInput,
  type DeleteMessageBatchResult,
  GetQueueAttributesCommand,
  type GetQueueAttributesCommandInput,
  type GetQueueAttributesResult,
  ListQueueTagsCommand,
  type ListQueueTagsCommandInput,
  type ListQueueTagsResult,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  type ReceiveMessageResult,
  SendMessageBatchCommand,
  type SendMessageBatchCommandInput,
  type SendMessageBatchResult,
  type SQSClient,
  TagQueueCommand,
  type TagQueueCommandInput,
} from '@aws-sdk/client-sqs';
import { customEndpoint, directCaller } from './direct-call.ts';
import { bucketOwnerOf } from './s3/bucket-owner.ts';

const OWNER_HEADER = 'x-amz-expected-bucket-owner';

/** Each rejects as the SDK does. */
export interface QueueCalls {
  send(input: SendMessageBatchCommandInput): Promise<Pick<SendMessageBatchResult, 'Failed'>>;
  receive(input: ReceiveMessageCommandInput): Promise<ReceiveMessageResult>;
  delete(input: DeleteMessageBatchCommandInput): Promise<Pick<DeleteMessageBatchResult, 'Failed'>>;
  attributes(input: GetQueueAttributesCommandInput): Promise<GetQueueAttributesResult>;
  tags(input: ListQueueTagsCommandInput): Promise<ListQueueTagsResult>;
  tag(input: TagQueueCommandInput): Promise<void>;
}

export function queueCalls(sqs: SQSClient): QueueCalls {
  const call = directCaller(sqs.config, 'sqs');
  let endpoint: Promise<URL | undefined> | undefined;
  /** What SQS's JSON protocol writes and reads is, for these, their input and output as they are. */
  const short = async <Output>(action: string, input: { QueueUrl: string | undefined }) => {
    const answer = await call(async () => {
      endpoint ??= customEndpoint(sqs.config);
      const custom = await endpoint;
      return {
        method: 'POST',
        origin: custom ?? new URL(input.QueueUrl ?? ''),
        path: custom?.pathname ?? '/',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `AmazonSQS.${action}`,
        },
        body: JSON.stringify(input),
      };
    });
    // What has nothing to tell is answered without a body.
    return answer && (JSON.parse(answer.toString() || '{}') as Output);
  };
  return {
    async send(input) {
      const output = await short<SendMessageBatchResult>('SendMessageBatch', input);
      return output ?? sqs.send(new SendMessageBatchCommand(input));
    },
    async receive(input) {
      const output = await short<ReceiveMessageResult>('ReceiveMessage', input);
      return output ?? sqs.send(new ReceiveMessageCommand(input));
    },
    async delete(input) {
      const output = await short<DeleteMessageBatchResult>('DeleteMessageBatch', input);
      return output ?? sqs.send(new DeleteMessageBatchCommand(input));
    },
    async attributes(input) {
      const output = await short<GetQueueAttributesResult>('GetQueueAttributes', input);
      return output ?? sqs.send(new GetQueueAttributesCommand(input));
    },
    async tags(input) {
      const output = await short<ListQueueTagsResult>('ListQueueTags', input);
      return output ?? sqs.send(new ListQueueTagsCommand(input));
    },
    async tag(input) {
      const output = await short('TagQueue', input);
      if (output === undefined) await sqs.send(new TagQueueCommand(input));
    },
  };
}

/** What is put here is in memory and says no more than this. */
export interface NewObject extends PutObjectCommandInput {
  readonly Bucket: string;
  readonly Key: string;
  readonly Body: Uint8Array | string;
  readonly ContentType: string;
  readonly Metadata?: Record<string, string>;
}

/** Each rejects as the SDK does. */
export interface ObjectCalls {
  put(object: NewObject): Promise<void>;
  get(bucket: string, key: string): Promise<Uint8Array | undefined>;
}

export function objectCalls(s3: S3Client): ObjectCalls {
  const call = directCaller(s3.config, 's3');
  const origins = new Map<string, URL>();
  const objectAt = async (bucket: string, key: string) => {
    const origin = origins.get(bucket) ?? (await bucketAddress(s3, bucket));
    origins.set(bucket, origin);
    const path = `${origin.pathname.replace(/\/$/, '')}/${key.split('/').map(escaped).join('/')}`;
    const account = await bucketOwnerOf(s3);
    const owner: Record<string, string> = account === undefined ? {} : { [OWNER_HEADER]: account };
    return { origin, path, owner };
  };
  return {
    async put(object) {
      const { Bucket, Key, Body, ContentType, Metadata = {} } = object;
      const done = await call(async () => {
        const { owner, ...place } = await objectAt(Bucket, Key);
        const metadata = Object.entries(Metadata).map(([name, value]) => [
          `x-amz-meta-${name}`,
          value,
        ]);
        return {
          ...place,
          method: 'PUT',
          headers: { 'content-type': ContentType, ...owner, ...Object.fromEntries(metadata) },
          body: Body,
        };
      });
      if (done === undefined) await s3.send(new PutObjectCommand(object));
    },
    async get(Bucket, Key) {
      const bytes = await call(async () => {
        const { owner, ...place } = await objectAt(Bucket, Key);
        return { ...place, method: 'GET', headers: owner };
      });
      if (bytes !== undefined) return bytes;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return Body?.transformToByteArray();
    },
  };
}

/** By the SDK's own rules: on AWS a host of its own, else a path. */
async function bucketAddress({ config }: S3Client, bucket: string): Promise<URL> {
  const custom = await customEndpoint(config);
  return config.endpointProvider({
    Bucket: bucket,
    Region: await config.region(),
    UseFIPS: await config.useFipsEndpoint(),
    UseDualStack: await config.useDualstackEndpoint(),
    ForcePathStyle: config.forcePathStyle === true,
    ...(custom === undefined ? {} : { Endpoint: custom.href }),
  }).url;
}

/** As signatures want it: encodeURIComponent leaves five letters too many as they are. */
function escaped(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
