/** Finds the address of a queue by its name, and says what to do when that fails. */
import {
  GetQueueUrlCommand,
  QueueDoesNotExist,
  type SQSClient,
  SQSServiceException,
} from '@aws-sdk/client-sqs';
import { ElasticFaceError, messageOf } from '../../../runtime/errors.ts';

/** A queue is missing, or refused one message of a batch. */
export class QueueError extends ElasticFaceError {
  /** Whether the message itself is at fault, so that sending it again is of no use. */
  readonly isSenderFault: boolean;

  constructor(
    message: string,
    { isSenderFault = false, ...options }: ErrorOptions & { isSenderFault?: boolean } = {},
  ) {
    super('queue', message, options);
    this.isSenderFault = isSenderFault;
  }
}

export async function queueUrl(sqs: SQSClient, name: string): Promise<string> {
  try {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    if (QueueUrl) return QueueUrl;
    throw new QueueError(`SQS returned no URL for the queue '${name}'.`);
  } catch (cause) {
    if (cause instanceof QueueDoesNotExist) {
      throw new QueueError(
        `There is no queue '${name}': create the stack, or start the local cloud, first.`,
        { cause },
      );
    }
    if (!(cause instanceof SQSServiceException || cause instanceof QueueError)) {
      const endpoint = await sqs.config.endpoint?.().catch(() => undefined);
      const where =
        endpoint === undefined ? 'AWS' : `The cloud at ${endpoint.hostname}:${endpoint.port ?? ''}`;
      throw new QueueError(
        `${where} cannot be reached (${messageOf(cause)}): check AWS_ENDPOINT_URL, the credentials and AWS_REGION.`,
        { cause },
      );
    }
    throw cause;
  }
}
