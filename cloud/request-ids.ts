/**
 * Request ids that clients chose. Each is taken once: a reply finds its client by the id, and a kept
 * answer is read by it. Forgotten as soon as neither can happen any more.
 */
import type { Redis } from 'ioredis';

export interface RequestIds {
  /**
   * @param isKept whether an answer will be kept under it
   * @returns whether no request has it now
   */
  take(id: string, isKept: boolean): Promise<boolean>;
}

export interface IdLifetimes {
  /** ms that a client waits for its answer at most. */
  readonly waitMs: number;
  /** ms until a kept answer is gone. */
  readonly keepMs: number;
}

export function openRequestIds(
  redis: Redis,
  keys: string,
  { waitMs, keepMs }: IdLifetimes,
): RequestIds {
  return {
    async take(id, isKept) {
      const ms = Math.ceil(isKept ? keepMs : waitMs);
      return (await redis.set(`${keys}:request-id:${id}`, '1', 'PX', ms, 'NX')) === 'OK';
    },
  };
}
