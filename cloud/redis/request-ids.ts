/**
 * Request ids chosen by clients. Each is accepted once: a reply finds its client by the id, and a stored
 * answer is read by it. An id is forgotten when neither can happen any more.
 */
import type { Redis } from 'ioredis';
import { keptKeys } from './recognitions.ts';

/**
 * What is kept under an id says by itself that the id is taken.
 * KEYS: the id, what was sent under it, the reply to it. ARGV: ms that a client waits.
 */
const TAKE = `
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then return 0 end
return redis.call('SET', KEYS[1], '1', 'PX', ARGV[1], 'NX') and 1 or 0`;

export interface RequestIds {
  /** @returns whether no request has it now */
  take(id: string): Promise<boolean>;
}

/** @param waitMs a client waits no longer for its answer */
export function openRequestIds(redis: Redis, keys: string, waitMs: number): RequestIds {
  const ms = Math.ceil(waitMs);
  return {
    async take(id) {
      const { record, reply } = keptKeys(keys, id);
      return (await redis.eval(TAKE, 3, `${keys}:request-id:${id}`, record, reply, ms)) === 1;
    },
  };
}
