/**
 * Request ids that clients chose. Each is taken once: a worker knows its own stored answer by the id, and
 * would give the answer of an earlier photo to a later one.
 */
import type { Redis } from 'ioredis';

/** Longer than a request lives and any answer is kept (ANSWER_SECONDS: a week at most). */
const KEEP_MS = 8 * 24 * 3600 * 1000;

export interface RequestIds {
  /** @returns whether nobody had it before */
  take(id: string): Promise<boolean>;
}

export function openRequestIds(redis: Redis, keys: string): RequestIds {
  return {
    async take(id) {
      return (await redis.set(`${keys}:request-id:${id}`, '1', 'PX', KEEP_MS, 'NX')) === 'OK';
    },
  };
}
