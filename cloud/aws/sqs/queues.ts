/** One SQS queue, as the services use it: batched sends and deletes, long polls, visibility, attributes. */
import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  type Message,
  PurgeQueueCommand,
  PurgeQueueInProgress,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { queueCalls } from '../fast-aws-calls.ts';
import { deleteVisible } from '../inspection.ts';
import { Batcher } from './batch.ts';
import { QueueError, queueUrl } from './queue-address.ts';

/** Most messages in one SQS call. */
const SQS_BATCH = 10;
/** Bytes of messages in one call: SQS takes 1 MiB, older queues 256 KiB (Amazon SQS message quotas). */
const BATCH_BYTES = 256 * 1024;
/** Calls of one kind under way at once: enough to keep up, few enough that batches fill under load. */
const CALLS_AT_ONCE = 2;

export interface ReceivedMessage {
  readonly messageId: string;
  readonly body: string;
  /** Names this delivery; deleting and extending need it. */
  readonly receipt: string;
  /** 1 on the first delivery. */
  readonly deliveries: number;
  /** When it was sent, in ms since 1970. */
  readonly sentAt: number;
  /** What its sender wrote beside the body. */
  readonly attributes: Readonly<Record<string, string>>;
}

interface Sending {
  readonly body: string;
  readonly delaySeconds: number;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Extension {
  readonly receipt: string;
  readonly visibilitySeconds: number;
}

export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

export interface Queue {
  readonly name: string;
  /**
   * @param attributes texts that travel beside the body; none may be empty
   * @param delaySeconds it is received after this time at the earliest; 900 s at most
   * @param waitMs for how long it may wait for other messages, with which it shares a call
   */
  send(
    body: string,
    attributes?: Readonly<Record<string, string>>,
    delaySeconds?: number,
    waitMs?: number,
  ): Promise<void>;
  /** One long poll; resolves with none when nothing came within `waitSeconds`. */
  receive(options: {
    most: number;
    waitSeconds: number;
    visibilitySeconds?: number;
  }): Promise<ReceivedMessage[]>;
  /** @param waitMs for how long it may wait for other deletions, with which it shares a call */
  delete(receipt: string, waitMs?: number): Promise<void>;
  /** Restarts the message's visibility timeout; 0 gives it back at once. */
  extend(receipt: string, visibilitySeconds: number): Promise<void>;
  /** SQS's own approximate counts. */
  depth(): Promise<QueueDepth>;
  purge(): Promise<void>;
}

/**
 * Finds the queue by name.
 * @throws {QueueError} when there is none of that name.
 */
export async function openQueue(sqs: SQSClient, name: string): Promise<Queue> {
  const url = await queueUrl(sqs, name);
  const calls = queueCalls(sqs);
  const sends = new Batcher<Sending>(
    async (sendings) => {
      const { Failed } = await calls.send({
        QueueUrl: url,
        Entries: sendings.map(({ body, attributes, delaySeconds }, i) => ({
          Id: String(i),
          MessageBody: body,
          ...(delaySeconds === 0 ? {} : { DelaySeconds: delaySeconds }),
          MessageAttributes: Object.fromEntries(
            Object.entries(attributes).map(([name, StringValue]) => [
              name,
              { DataType: 'String', StringValue },
            ]),
          ),
        })),
      });
      return failures(name, Failed);
    },
    { size: SQS_BATCH, concurrency: CALLS_AT_ONCE, mostBytes: BATCH_BYTES, bytesOf },
  );
  const deletes = new Batcher<string>(
    async (receipts) => {
      const { Failed } = await calls.delete({
        QueueUrl: url,
        Entries: receipts.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle })),
      });
      return failures(name, Failed);
    },
    { size: SQS_BATCH, concurrency: CALLS_AT_ONCE },
  );
  const extensions = new Batcher<Extension>(
    async (wanted) => {
      const { Failed } = await sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: url,
          Entries: wanted.map(({ receipt, visibilitySeconds }, i) => ({
            Id: String(i),
            ReceiptHandle: receipt,
            VisibilityTimeout: Math.ceil(visibilitySeconds),
          })),
        }),
      );
      return failures(name, Failed);
    },
    { size: SQS_BATCH, concurrency: CALLS_AT_ONCE },
  );
  const queue: Queue = {
    name,
    send: (body, attributes = {}, delaySeconds = 0, waitMs = 0) =>
      sends.add({ body, attributes, delaySeconds }, waitMs),
    delete: (receipt, waitMs) => deletes.add(receipt, waitMs),
    async receive({ most, waitSeconds, visibilitySeconds }) {
      const { Messages } = await calls.receive({
        QueueUrl: url,
        MaxNumberOfMessages: most,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
        MessageAttributeNames: ['All'],
        ...(visibilitySeconds === undefined ? {} : { VisibilityTimeout: visibilitySeconds }),
      });
      return (Messages ?? []).map(received);
    },
    extend: (receipt, visibilitySeconds) => extensions.add({ receipt, visibilitySeconds }),
    async depth() {
      const { Attributes } = await calls.attributes({
        QueueUrl: url,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      });
      return {
        visible: Number(Attributes?.ApproximateNumberOfMessages ?? 0),
        inFlight: Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0),
        delayed: Number(Attributes?.ApproximateNumberOfMessagesDelayed ?? 0),
      };
    },
    async purge() {
      try {
        await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
      } catch (error) {
        if (!(error instanceof PurgeQueueInProgress)) throw error;
        // Within a minute of another purge, which does not reach what was sent after it.
        await deleteVisible(queue);
      }
    },
  };
  return queue;
}

function failures(
  queue: string,
  failed: readonly BatchResultErrorEntry[] | undefined,
): ReadonlyMap<number, Error> {
  return new Map(
    (failed ?? []).map(({ Id, Code, Message, SenderFault }) => [
      Number(Id),
      new QueueError(`The queue '${queue}' refused a message: ${Code ?? ''} ${Message ?? ''}`, {
        isSenderFault: SenderFault ?? false,
      }),
    ]),
  );
}

/** As SQS counts them: body, and name, type and value of each attribute. */
function bytesOf({ body, attributes }: Sending): number {
  const texts = [
    body,
    ...Object.entries(attributes).flat(),
    ...Object.keys(attributes).map(() => 'String'),
  ];
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
}

function received(message: Message): ReceivedMessage {
  return {
    messageId: message.MessageId ?? '',
    body: message.Body ?? '',
    receipt: message.ReceiptHandle ?? '',
    deliveries: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
    sentAt: Number(message.Attributes?.SentTimestamp ?? 0),
    attributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue }]) => [
        name,
        StringValue ?? '',
      ]),
    ),
  };
}
