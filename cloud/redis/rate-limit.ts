/** Rate limit per API key and minute, counted in Redis for all web nodes together. */
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

const WINDOW_SECONDS = 60;

export interface RateLimit {
  readonly perMinute: number;
  /** Counts so many photos, one by default. @returns seconds to wait when it is one too many, else undefined */
  take(holder: string, photos?: number): Promise<number | undefined>;
}

/** While Redis is away each node counts for itself: neither open to all nor closed to all. */
export function openRateLimit(redis: Redis, keys: string, perMinute: number): RateLimit {
  const limit = { points: perMinute, duration: WINDOW_SECONDS };
  const limiter = new RateLimiterRedis({
    ...limit,
    storeClient: redis,
    keyPrefix: `${keys}:rate`,
    insuranceLimiter: new RateLimiterMemory(limit),
  });
  return {
    perMinute,
    async take(holder, photos = 1) {
      try {
        await limiter.consume(holder, photos);
        return undefined;
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      }
    },
  };
}
