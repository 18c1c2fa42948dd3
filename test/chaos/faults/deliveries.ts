/** Messages out of order: some are held up on their way in, some come out in another order. */
import { z } from 'zod';
import {
  decodeRequest,
  MessageError,
  type RequestMessage,
} from '../../../cloud/contract/messages.ts';
import { between, type Chance } from './faults.ts';

const MOST_DELAY_SECONDS = 5;

interface Call {
  readonly action: string;
  readonly body: Buffer;
}

const batchSchema = z.looseObject({
  QueueUrl: z.string(),
  Entries: z.array(z.looseObject({ Id: z.string(), MessageBody: z.string() })),
});
const batchAnswerSchema = z.looseObject({
  Successful: z.array(z.looseObject({ Id: z.string() })).optional(),
});
const receivedSchema = z.looseObject({ Messages: z.array(z.unknown()).optional() });

/** The body of a send with each of its messages held up for some seconds. */
export function alterSend({ action, body }: Call, chance: Chance): Buffer {
  if (action !== 'SendMessageBatch') return body;
  const batch = batchSchema.parse(JSON.parse(body.toString()));
  const Entries = batch.Entries.map((entry) => ({
    ...entry,
    DelaySeconds: Math.floor(between(chance, 0, MOST_DELAY_SECONDS + 1)),
  }));
  return Buffer.from(JSON.stringify({ ...batch, Entries }));
}

/** The answer to a receive with its messages in another order. */
export function shuffleReceived({ action }: Call, answer: Buffer, chance: Chance): Buffer {
  if (action !== 'ReceiveMessage') return answer;
  const received = receivedSchema.parse(JSON.parse(answer.toString()));
  const shuffled = (received.Messages ?? [])
    .map((message) => ({ message, at: chance() }))
    .sort((a, b) => a.at - b.at)
    .map(({ message }) => message);
  return Buffer.from(JSON.stringify({ ...received, Messages: shuffled }));
}

/** The request messages that a send to the queue `name` brought in, by SQS's own answer. */
export function requestsSent(
  { action, body }: Call,
  answer: { status: number; body: Buffer },
  name: string,
): RequestMessage[] {
  if (action !== 'SendMessageBatch' || answer.status !== 200) return [];
  const batch = batchSchema.parse(JSON.parse(body.toString()));
  if (!batch.QueueUrl.endsWith(`/${name}`)) return [];
  const { Successful = [] } = batchAnswerSchema.parse(JSON.parse(answer.body.toString()));
  const taken = new Set(Successful.map(({ Id }) => Id));
  return batch.Entries.filter(({ Id }) => taken.has(Id)).flatMap(({ MessageBody }) => {
    try {
      return [decodeRequest(MessageBody)];
    } catch (error) {
      if (error instanceof MessageError) return [];
      throw error;
    }
  });
}
