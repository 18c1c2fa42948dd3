/**
 * Request pressure: the set of request ids that are waiting or in work, with the time each came. A set,
 * not a counter, so that adding or removing twice does no harm and it heals.
 */
import type { Redis } from 'ioredis';
import { type Subscription, subscribe } from './redis.ts';

/**
 * A name whose holder is not counted any more is free: its web node died before it sent the request, and
 * the scaler has forgotten it since. Who is the first is told. KEYS: pressure, hold. ARGV: request id, its
 * time, ms to hold, channel.
 */
const BEGIN = `
local added = redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if added == 1 and redis.call('ZCARD', KEYS[1]) == 1 then redis.call('PUBLISH', ARGV[4], ARGV[1]) end
local holder = redis.call('GET', KEYS[2])
if holder == ARGV[1] then return 1 end
if holder and redis.call('ZSCORE', KEYS[1], holder) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return 1`;

/** Frees the file name only if this request still holds it. KEYS: pressure, hold. ARGV: request id. */
const FINISH = `
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`;

export interface PressureReading {
  readonly count: number;
  /** When the oldest of them came, in ms since 1970; undefined when there is none. */
  readonly oldestAt?: number;
  /** How many of them came since the time that was asked about. */
  readonly recent?: number;
}

export interface Pressure {
  /**
   * Counts the request and tries to hold its file name; asked again, a holder still holds it.
   * @returns whether the name is this request's: its photo may then have the file name as key
   */
  begin(requestId: string, file: string, now: number): Promise<boolean>;
  /** Ends the request's pressure and its hold on the file name; doing it twice does no harm. */
  finish(requestId: string, file: string): Promise<void>;
  /** @param since ms since 1970; tells how many came since then */
  read(since?: number): Promise<PressureReading>;
  /** Forgets requests that came before `time`, for when the queue shows that they are gone. */
  forgetBefore(time: number): Promise<number>;
}

const firstChannel = (keys: string): string => `${keys}:pressure-begins`;

/** Calls back at each request that comes while there is no other. */
export function onFirstRequest(redis: Redis, keys: string, came: () => void): Subscription {
  return subscribe(redis, firstChannel(keys), came);
}

/** @param holdMs a hold ends by itself after this, should nobody end it */
export function openPressure(redis: Redis, keys: string, holdMs: number): Pressure {
  const pressureKey = `${keys}:pressure`;
  const holdKey = (file: string): string => `${keys}:hold:${file}`;
  return {
    async begin(requestId, file, now) {
      const hold = Math.ceil(holdMs);
      const [held, told] = [holdKey(file), firstChannel(keys)];
      return (await redis.eval(BEGIN, 2, pressureKey, held, requestId, now, hold, told)) === 1;
    },
    async finish(requestId, file) {
      await redis.eval(FINISH, 2, pressureKey, holdKey(file), requestId);
    },
    async read(since) {
      const answers = await redis
        .pipeline()
        .zcard(pressureKey)
        .zrange(pressureKey, 0, 0, 'WITHSCORES')
        .zcount(pressureKey, since ?? '-inf', '+inf')
        .exec();
      for (const [error] of answers ?? []) if (error) throw error;
      const count = Number(answers?.[0]?.[1] ?? 0);
      const oldest = (answers?.[1]?.[1] as string[] | undefined)?.[1];
      return {
        count,
        ...(oldest === undefined ? {} : { oldestAt: Number(oldest) }),
        ...(since === undefined ? {} : { recent: Number(answers?.[2]?.[1] ?? 0) }),
      };
    },
    forgetBefore: (time) => redis.zremrangebyscore(pressureKey, '-inf', `(${time}`),
  };
}
