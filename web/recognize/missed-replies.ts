/**
 * Finds replies that this node's clients wait for and that it did not hear, because Redis was away or a
 * connection was dead: kept in Redis by the node that had them, or written as output objects.
 */
import pLimit from 'p-limit';
import type { Results } from '../../cloud/aws/objects.ts';
import { decodeReply, MessageError, type ReplyMessage } from '../../cloud/contract/messages.ts';
import type { Relay } from '../../cloud/redis/relay.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Awaited, Waiters } from './waiters.ts';

const IDS_PER_LOOK = 200;
/** Few: nearly all of those that wait are only not computed yet. */
const OBJECTS_AT_ONCE = 4;

export interface MissedRepliesParts {
  readonly node: string;
  readonly relay: Pick<Relay, 'find'>;
  readonly results: Pick<Results, 'find'>;
  readonly log: Logger;
}

export interface MissedReplies {
  /** The reply to one request, wherever it is. */
  find(request: Awaited): Promise<ReplyMessage | undefined>;
  /** Answers all waiters whose reply is somewhere; a look begun during another follows it. */
  answer(waiters: Waiters, onReply: (reply: ReplyMessage) => void): Promise<void>;
}

export function missedReplies({ node, relay, results, log }: MissedRepliesParts): MissedReplies {
  const slots = pLimit(OBJECTS_AT_ONCE);
  let looking: Promise<void> = Promise.resolve();

  const inRedis = async (ids: readonly string[]): Promise<ReplyMessage[]> => {
    const bodies = await relay.find(ids).catch((err: unknown) => {
      log.debug({ err }, 'kept replies cannot be read');
      return [];
    });
    return bodies.flatMap((body) => decoded(body, log) ?? []);
  };
  const inBucket = async ({ id, file }: Awaited): Promise<ReplyMessage | undefined> => {
    const stored = await results.find(file).catch((err: unknown) => {
      log.debug({ err, request: id }, 'the output object cannot be read');
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
    if (found > 0) log.info({ count: found }, 'found replies that were not heard');
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

/** A reply as it stands in a message; undefined, and said in the log, when it cannot be read. */
export function decoded(body: string, log: Logger): ReplyMessage | undefined {
  try {
    return decodeReply(body);
  } catch (err) {
    if (!(err instanceof MessageError)) throw err;
    log.error({ err }, 'an unreadable reply was dropped');
    return undefined;
  }
}
