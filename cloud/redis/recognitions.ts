/**
 * Asynchronous recognitions: what was sent, and the reply to each photo, kept in Redis
 * for a while, so that any web node can answer.
 */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Match } from '../contract/match.ts';
import { decodeReply, type ReplyMessage } from '../contract/messages.ts';
import { type Subscription, subscribe } from './connection.ts';

const recordSchema = z.object({
  /** Whose key sent it, where keys are needed. */
  holder: z.string().optional(),
  /** When it was written, by Redis's clock, in ms since 1970. */
  at: z.int(),
  photos: z.array(
    z.object({
      /** Of its request message. */
      id: z.uuid(),
      file: z.string(),
      /** Of its bytes, see `photoDigest`. */
      digest: z.string().optional(),
      /** Why it was not even taken in. */
      refused: z.object({ status: z.int(), code: z.string(), message: z.string() }).optional(),
    }),
  ),
});
/** What was sent in one request. */
export type RecognitionRecord = Omit<z.output<typeof recordSchema>, 'at'>;

/**
 * A reply may come twice, and the second time find its photo gone: what was recognised stays.
 * KEYS: reply. ARGV: the reply, ms to keep it, '1' when it is a refusal, channel, id of the photo.
 */
const KEEP = `
if ARGV[3] == '1' then
  local before = redis.call('GET', KEYS[1])
  if before and cjson.decode(before).outcome.match then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1`;

/**
 * Puts a text in place of one that is as it was read, with the same expiry. KEYS: key. ARGV: what was read,
 * what takes its place.
 */
export const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local ms = redis.call('PTTL', KEYS[1])
if ms < 1 then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ms)
return 1`;

export interface Recognitions {
  /** Writes it down, or writes it anew. */
  write(id: string, record: RecognitionRecord): Promise<void>;
  /** With its age in ms by Redis's clock, since another node's may be wrong. */
  find(id: string): Promise<{ record: RecognitionRecord; ageMs: number } | undefined>;
  /** Keeps a reply. Keeping it twice does no harm; a refusal never replaces a match. */
  keep(reply: ReplyMessage): Promise<void>;
  /** The replies to these photos, in their order; undefined where there is none yet. */
  replies(photoIds: readonly string[]): Promise<(ReplyMessage | undefined)[]>;
  /** Changes the match of a kept reply, for as long as it is kept anyway. */
  amend(photoId: string, make: (match: Match) => Match): Promise<void>;
}

/** Keys of what may be kept under an id: what was sent in a request, and the reply to a photo. */
export const keptKeys = (keys: string, id: string) => ({
  record: `${keys}:recognition:${id}`,
  reply: `${keys}:reply:${id}`,
});

const keptChannel = (keys: string): string => `${keys}:kept`;

/**
 * Calls back with the photo's id whenever a reply is kept.
 * @param onHearing called when that is heard, at first and after each gap
 */
export function onReplyKept(
  redis: Redis,
  keys: string,
  told: (photoId: string) => void,
  onHearing: () => void,
): Subscription {
  return subscribe(redis, keptChannel(keys), told, onHearing);
}

/** @param keepMs a record and a reply are forgotten so long after each was written */
export function openRecognitions(redis: Redis, keys: string, keepMs: number): Recognitions {
  const recordKey = (id: string): string => keptKeys(keys, id).record;
  const replyKey = (photoId: string): string => keptKeys(keys, photoId).reply;
  const ms = Math.ceil(keepMs);
  return {
    async write(id, record) {
      const written = { ...record, at: await redisNow(redis) };
      await redis.set(recordKey(id), JSON.stringify(written), 'PX', ms);
    },
    async find(id) {
      const [text, now] = await Promise.all([redis.get(recordKey(id)), redisNow(redis)]);
      if (text === null) return undefined;
      const record = recordSchema.parse(JSON.parse(text));
      return { record, ageMs: now - record.at };
    },
    async keep(reply) {
      const isRefusal = 'refusal' in reply.outcome ? '1' : '0';
      const [key, text] = [replyKey(reply.id), JSON.stringify(reply)];
      await redis.eval(KEEP, 1, key, text, ms, isRefusal, keptChannel(keys), reply.id);
    },
    async replies(photoIds) {
      if (photoIds.length === 0) return [];
      const texts = await redis.mget(photoIds.map(replyKey));
      return texts.map((text) => (text === null ? undefined : decodeReply(text)));
    },
    async amend(photoId, make) {
      const text = await redis.get(replyKey(photoId));
      const reply = text === null ? undefined : decodeReply(text);
      if (text === null || reply === undefined || !('match' in reply.outcome)) return;
      const amended = JSON.stringify({ ...reply, outcome: { match: make(reply.outcome.match) } });
      await redis.eval(REPLACE, 1, replyKey(photoId), text, amended);
    },
  };
}

async function redisNow(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
