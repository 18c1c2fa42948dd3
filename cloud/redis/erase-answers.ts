/** Erases answers that are kept in Redis: those of deferred requests, and those on their way to a web node. */
import type { Redis } from 'ioredis';
import { encodeReply, KEPT } from '../contract/messages.ts';
import { keptKeys, REPLACE } from './recognitions.ts';

const KEYS_A_SCAN = 500;
const FORGOTTEN = 'The person in this answer was forgotten: send the photo again.';

/**
 * A kept reply becomes a refusal that says so; records of requests and relayed replies are deleted.
 * @param mentions whether a text names the person
 * @returns number of answers that were erased
 */
export async function eraseAnswers(
  redis: Redis,
  keys: string,
  mentions: (text: string) => boolean,
): Promise<number> {
  const { record, reply } = keptKeys(keys, '');
  const prefixes = [reply, record, `${keys}:relayed:`];
  let erased = 0;
  for (const prefix of prefixes) {
    let cursor = '0';
    do {
      const [next, found] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', KEYS_A_SCAN);
      cursor = next;
      if (found.length === 0) continue;
      const texts = await redis.mget(found);
      for (const [index, key] of found.entries()) {
        const text = texts[index];
        if (typeof text !== 'string' || !mentions(text)) continue;
        if (prefix === reply) {
          const id = key.slice(prefix.length);
          await redis.eval(REPLACE, 1, key, text, forgottenReply(id));
        } else await redis.del(key);
        erased += 1;
      }
    } while (cursor !== '0');
  }
  return erased;
}

/** Without the file name, which may be the person's. */
function forgottenReply(id: string): string {
  const refusal = { reason: 'forgotten' as const, message: FORGOTTEN };
  return encodeReply({ id, file: `${id}.jpg`, node: KEPT, outcome: { refusal } });
}
