/**
 * The end of a request that cannot be answered: a dead letter with its reason, a failure for the client, and
 * its removal from the pressure set. Knows no inference.
 */
import type { DeadLetters, Verdict } from '../../cloud/aws/sqs/dead-letters.ts';
import type { Queue } from '../../cloud/aws/sqs/queues.ts';
import { encodeReply } from '../../cloud/contract/messages.ts';
import { fileOf, isWork, type QueuedRequest } from '../../cloud/contract/queued.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { Logger } from '../../runtime/log.ts';

export interface GiveUpParts {
  readonly deadLetters: DeadLetters;
  readonly replies: Queue;
  readonly pressure: Pressure;
}

export interface FailedRequest {
  readonly body: string;
  /** Undefined when nobody can read the message: then there is no client to tell. */
  readonly request: QueuedRequest | undefined;
  readonly verdict: Verdict;
  /** Whether it would fail again in the same way. */
  readonly permanent: boolean;
}

/** What the client of a dead letter reads, by whether sending the photo again may help. */
const GIVEN_UP = 'Recognition failed repeatedly. Send the photo again later.';
const WORK_GIVEN_UP = 'This request failed repeatedly. Send it again later.';
const CANNOT_BE_ANSWERED =
  'This photo cannot be answered, and sending it again ends in the same way: the operator finds the reason among the dead letters.';

/**
 * The letter first: once it is written, the message may be deleted. The other two steps help the client and the
 * scaler, and may fail.
 * @throws what writing the letter throws; nothing else was done then
 */
export async function giveUp(
  { body, request, verdict, permanent }: FailedRequest,
  { deadLetters, replies, pressure }: GiveUpParts,
  log: Logger,
): Promise<void> {
  await deadLetters.bury(body, verdict);
  if (request === undefined) return;
  const { id, node, sentAt } = request;
  const file = fileOf(request);
  const { deliveries, worker: instance } = verdict;
  const message = permanent ? CANNOT_BE_ANSWERED : isWork(request) ? WORK_GIVEN_UP : GIVEN_UP;
  const refusal = { reason: 'failed' as const, message, ...(permanent ? { permanent } : {}) };
  await Promise.all([
    replies
      .send(encodeReply({ id, file, node, outcome: { refusal }, instance, deliveries, sentAt }))
      .catch((err: unknown) => log.warn({ err }, 'Cannot send the client the failure')),
    pressure
      .finish(id, file)
      .catch((err: unknown) =>
        log.warn(
          { err },
          'Cannot remove the request from the pressure set; the scaler removes it later',
        ),
      ),
  ]);
}
