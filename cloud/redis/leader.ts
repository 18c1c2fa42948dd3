/** One leader among several scalers, by a lock in Redis that expires when its holder stops renewing it. */
import type { Redis } from 'ioredis';

/** A leader that has not renewed for this long has lost the lock; another takes over within it. */
export const LEADER_MS = 4000;

/** KEYS: lock. ARGV: holder, ms. 1 when the holder has the lock, taken or renewed. */
const LEAD = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

const RESIGN = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** Far longer than a claim lasts that no scaler renews: a group that was away so long has none to keep. */
const GROUP_MS = 3_600_000;

/** Whether any scaler leads now. */
export async function hasLeader(redis: Redis, keys: string): Promise<boolean> {
  return (await redis.exists(lockKey(keys))) === 1;
}

/**
 * The id that the scalers of this Redis share. @param known what it was: written again when Redis has
 * lost it. @param fresh taken when there is none
 */
export async function groupId(
  redis: Redis,
  keys: string,
  known: string | undefined,
  fresh: string,
): Promise<string> {
  const key = `${keys}:scaler-group`;
  await redis.set(key, known ?? fresh, 'PX', GROUP_MS, 'NX');
  await redis.pexpire(key, GROUP_MS);
  return (await redis.get(key)) ?? known ?? fresh;
}

const lockKey = (keys: string): string => `${keys}:scaler`;

export interface Leadership {
  /** Takes or renews the lead; call it well within LEADER_MS. @returns whether this one leads */
  lead(): Promise<boolean>;
  resign(): Promise<void>;
}

export function openLeadership(redis: Redis, keys: string, holder: string): Leadership {
  const key = lockKey(keys);
  return {
    async lead() {
      return (await redis.eval(LEAD, 1, key, holder, LEADER_MS)) === 1;
    },
    async resign() {
      await redis.eval(RESIGN, 1, key, holder);
    },
  };
}
