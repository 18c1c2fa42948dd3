/**
 * Finds replies that this node missed while Redis was unreachable or a connection was dead: stored in Redis
 * by another node, or written as output objects.
 */
import pLimit from 'p-limit';
import type { Results } from '../../cloud/aws/s3/objects.ts';
import type { StoredObjects } from '../../cloud/aws/s3/stored-objects.ts';
import { decodeReply, MessageError, type ReplyMessage } from '../../cloud/contract/messages.ts';
import { WORK_FILE, workKeys } from '../../cloud/contract/people-work.ts';
import type { Relay } from '../../cloud/redis/relay.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Awaited, Waiters } from './waiters.ts';

const IDS_PER_LOOK = 200;
/** Few, because nearly all waiting requests are simply not computed yet. */
const OBJECTS_AT_ONCE = 4;

export interface MissedRepliesParts {
  readonly node: string;
  readonly relay: Pick<Relay, 'find'>;
  readonly results: Pick<Results, 'find'>;
  /** Of the people bucket, where the results of people work are. */
  readonly works: Pick<StoredObjects, 'exists'>;
  readonly log: Logger;
}

export interface MissedReplies {
  /** The reply to one request, in Redis or in the out-bucket. */
  find(request: Awaited): Promise<ReplyMessage | undefined>;
  /** Answers all waiters whose reply is found. Concurrent calls run one after the other. */
  answer(waiters: Waiters, onReply: (reply: ReplyMessage) => void): Promise<void>;
}

export function missedReplies({
  node,
  relay,
  results,
  works,
  log,
}: MissedRepliesParts): MissedReplies {
  const slots = pLimit(OBJECTS_AT_ONCE);
  let looking: Promise<void> = Promise.resolve();

  const inRedis = async (ids: readonly string[]): Promise<ReplyMessage[]> => {
    const bodies = await relay.find(ids).catch((err: unknown) => {
      log.debug({ err }, 'Kept replies cannot be read');
      return [];
    });
    return bodies.flatMap((body) => decoded(body, log) ?? []);
  };
  const inBucket = async ({ id, file }: Awaited): Promise<ReplyMessage | undefined> => {
    if (file === WORK_FILE) {
      const isDone = await works.exists(workKeys.result(id)).catch(() => false);
      return isDone ? { id, file, node, outcome: { work: 'done' } } : undefined;
    }
    const stored = await results.find(file).catch((err: unknown) => {
      log.debug({ err, request: id }, 'The output object cannot be read');
      return undefined;
    });
    // Another request may have written an object of this name.
    if (stored?.requestId !== id) return undefined;
    return { id, file, node, outcome: { match: stored.match } };
  };
  const look = async (waiters: Waiters, onReply: (reply: ReplyMessage) => void): Promise<void> => {
    let found = 0;
    const take = (reply: ReplyMessage): void => {
      onReply(reply);
      if (waiters.answer(reply)) found += 1;
    };
    const waiting = waiters.waiting;
    for (let at = 0; at < waiting.length; at += IDS_PER_LOOK) {
      const ids = waiting.slice(at, at + IDS_PER_LOOK).map(({ id }) => id);
      (await inRedis(ids)).forEach(take);
    }
    const left = waiting.map((request) =>
      slots(async () => {
        const reply = waiters.isWaiting(request.id) ? await inBucket(request) : undefined;
        if (reply) take(reply);
      }),
    );
    await Promise.all(left);
    if (found > 0) log.info({ count: found }, 'Found replies that were not heard');
  };
  return {
    async find(request) {
      const [reply] = await inRedis([request.id]);
      return reply ?? inBucket(request);
    },
    answer(waiters, onReply) {
      looking = looking.then(() => look(waiters, onReply));
      return looking;
    },
  };
}

/** Decodes a reply; undefined, with a log line, if it cannot be read. */
export function decoded(body: string, log: Logger): ReplyMessage | undefined {
  try {
    return decodeReply(body);
  } catch (err) {
    if (!(err instanceof MessageError)) throw err;
    log.error({ err }, 'An unreadable reply was dropped');
    return undefined;
  }
}
