/**
 * The newest version of the live gallery, as web nodes and workers tell each other. It only saves time: the head in
 * the people bucket is what counts.
 */
import type { Redis } from 'ioredis';
import type { Logger } from '../../runtime/log.ts';
import { type Subscription, subscribe } from './connection.ts';

/** KEYS: the newest version. ARGV: channel, a version. Nodes may announce in another order than they wrote. */
const RAISE = `
local newest = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[2]) <= newest then return newest end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return tonumber(ARGV[2])`;

export interface GalleryVersion {
  /** Tells all nodes of a version that was written. It never rejects: without Redis they look for themselves. */
  announce(version: number): Promise<void>;
  /** The newest version that was announced; undefined when there is none or Redis is away. */
  newest(): Promise<number | undefined>;
  /**
   * Listens for versions.
   * @param onHearing called when they are heard, at first and after each gap, in which some may have been missed
   */
  onChanged(told: (version: number) => void, onHearing?: () => void): Subscription;
}

/** Key of the newest version, for those who read it in a round trip of their own. */
export const galleryVersionKey = (keys: string): string => `${keys}:gallery`;

export function openGalleryVersion(redis: Redis, keys: string, log: Logger): GalleryVersion {
  const key = galleryVersionKey(keys);
  const channel = `${keys}:gallery-changed`;
  return {
    async announce(version) {
      try {
        await redis.eval(RAISE, 1, key, channel, version);
      } catch (err) {
        log.debug({ err, version }, 'The new gallery version cannot be announced');
      }
    },
    async newest() {
      const text = await redis.get(key).catch(() => null);
      return text === null ? undefined : versionIn(text);
    },
    onChanged(told, onHearing) {
      return subscribe(
        redis,
        channel,
        (text) => {
          const version = versionIn(text);
          if (version !== undefined) told(version);
        },
        onHearing,
      );
    },
  };
}

function versionIn(text: string): number | undefined {
  return /^[1-9]\d{0,15}$/.test(text) ? Number(text) : undefined;
}
