/**
 * Request pressure: the set of request ids that are waiting or in progress, with their arrival times. A set,
 * not a counter, so that adding or removing twice is harmless. Times are by Redis's own
 * clock and are returned as ages, so that no two machines' clocks are compared.
 */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type Subscription, subscribe } from './connection.ts';
import { galleryVersionKey } from './gallery-version.ts';

/** Redis's time in ms since 1970. */
const NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * A name whose holder is not counted any more is free: its web node died before it sent the request, and
 * the scaler has forgotten it since. The first request is published. KEYS: pressure, hold, gallery version.
 * ARGV: request id, ms to hold, channel. Whether it holds the name, and the version or -1.
 */
const BEGIN = `${NOW}
local gallery = tonumber(redis.call('GET', KEYS[3]) or -1)
local added = redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1])
if added == 1 and redis.call('ZCARD', KEYS[1]) == 1 then redis.call('PUBLISH', ARGV[3], ARGV[1]) end
local holder = redis.call('GET', KEYS[2])
if holder == ARGV[1] then return {1, gallery} end
if holder and redis.call('ZSCORE', KEYS[1], holder) then return {0, gallery} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1, gallery}`;

/** Frees the file name only if this request still holds it. KEYS: pressure, hold, abandoned. ARGV: request id. */
const FINISH = `
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`;

/** Only of requests that are counted, with their times. KEYS: pressure, abandoned. ARGV: request id. */
const ABANDON = `
local time = redis.call('ZSCORE', KEYS[1], ARGV[1])
if time then redis.call('ZADD', KEYS[2], time, ARGV[1]) end
return 1`;

/** KEYS: pressure, abandoned. ARGV: ms. How many there are, the age of the oldest in ms (-1 for none), how many came within that time, and how many are abandoned. */
const READ = `${NOW}
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
local age = -1
if oldest then age = math.max(0, now - oldest) end
local recent = redis.call('ZCOUNT', KEYS[1], now - ARGV[1], '+inf')
return {redis.call('ZCARD', KEYS[1]), age, recent, redis.call('ZCARD', KEYS[2])}`;

/** KEYS: pressure, abandoned. ARGV: ms. */
const FORGET = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[1])
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])`;

export interface PressureReading {
  readonly count: number;
  /** How many of them no client waits for any more. */
  readonly abandoned: number;
  /** How long ago the oldest of them came, in ms; undefined when there is none. */
  readonly oldestMs?: number;
  /** How many of them came within the time that was asked about. */
  readonly recent?: number;
}

export interface Begun {
  /** Whether the file name is this request's: its photo may then have the file name as key. */
  readonly holdsName: boolean;
  /** Newest version of the live gallery; undefined where Redis knows of none. */
  readonly gallery: number | undefined;
}

export interface Pressure {
  /**
   * Counts the request and tries to hold its file name; asked again, a holder still holds it.
   * @returns whether the name is this request's: its photo may then have the file name as key
   */
  begin(requestId: string, file: string): Promise<boolean>;
  /** The same, and in the same round trip the gallery version that the request must be computed with. */
  arrive(requestId: string, file: string): Promise<Begun>;
  /** Ends the request's pressure and its hold on the file name; doing it twice does no harm. */
  finish(requestId: string, file: string): Promise<void>;
  /** Says that the client of a request has left: see worker/requests/postpone.ts. */
  abandon(requestId: string): Promise<void>;
  isAbandoned(requestId: string): Promise<boolean>;
  /** @param recentMs tells how many came within this time */
  read(recentMs?: number): Promise<PressureReading>;
  /** Forgets requests that came at least so many ms ago, for when the queue shows that they are gone. */
  forgetOlder(ms: number): Promise<number>;
}

const firstChannel = (keys: string): string => `${keys}:pressure-begins`;

/** Calls back at each request that comes while there is no other. */
export function onFirstRequest(redis: Redis, keys: string, came: () => void): Subscription {
  return subscribe(redis, firstChannel(keys), came);
}

/** @param holdMs a hold ends by itself after this, should nobody end it */
export function openPressure(redis: Redis, keys: string, holdMs: number): Pressure {
  const pressureKey = `${keys}:pressure`;
  const abandonedKey = `${keys}:abandoned`;
  const holdKey = (file: string): string => `${keys}:hold:${file}`;
  const arrive = async (requestId: string, file: string): Promise<Begun> => {
    const hold = Math.ceil(holdMs);
    const read = [pressureKey, holdKey(file), galleryVersionKey(keys)];
    const answer = await redis.eval(BEGIN, 3, ...read, requestId, hold, firstChannel(keys));
    const [holds, gallery] = begunSchema.parse(answer);
    return { holdsName: holds === 1, gallery: gallery < 0 ? undefined : gallery };
  };
  return {
    arrive,
    begin: async (requestId, file) => (await arrive(requestId, file)).holdsName,
    async finish(requestId, file) {
      await redis.eval(FINISH, 3, pressureKey, holdKey(file), abandonedKey, requestId);
    },
    async abandon(requestId) {
      await redis.eval(ABANDON, 2, pressureKey, abandonedKey, requestId);
    },
    isAbandoned: async (requestId) => (await redis.zscore(abandonedKey, requestId)) !== null,
    async read(recentMs) {
      const answer = await redis.eval(READ, 2, pressureKey, abandonedKey, recentMs ?? 0);
      const [count, oldestMs, recent, abandoned] = readingSchema.parse(answer);
      return {
        count,
        abandoned,
        ...(oldestMs < 0 ? {} : { oldestMs }),
        ...(recentMs === undefined ? {} : { recent }),
      };
    },
    async forgetOlder(ms) {
      return Number(await redis.eval(FORGET, 2, pressureKey, abandonedKey, ms));
    },
  };
}

const begunSchema = z.tuple([z.number(), z.number()]);
const readingSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);
