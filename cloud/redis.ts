/** The connection to Redis. Commands fail within a second when it is away: callers decide what then. */
import { Redis } from 'ioredis';
import type { Logger } from '../runtime/log.ts';

const COMMAND_TIMEOUT_MS = 1000;
const MOST_RECONNECT_DELAY_MS = 1000;

/**
 * Connects in the background and keeps reconnecting; each outage is logged once, and its end.
 * @param name shown by Redis's CLIENT LIST
 */
export function connectRedis(url: string, name: string, log: Logger): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(50 * attempt, MOST_RECONNECT_DELAY_MS),
  });
  let away = false;
  redis.on('error', (err) => {
    if (!away) log.warn({ err }, 'Redis cannot be reached; going on without it until it is back');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info('Redis is back');
    away = false;
  });
  return redis;
}

export interface Subscription {
  /** Resolves when messages are heard; rejects when it is closed before. */
  readonly heard: Promise<unknown>;
  close(): void;
}

/**
 * Listens on a connection of its own: a subscribed one may do nothing else. It outlives outages, since
 * ioredis subscribes again by itself when it reconnects.
 */
export function subscribe(
  redis: Redis,
  channel: string,
  onMessage: (body: string) => void,
): Subscription {
  const subscriber = redis.duplicate({ maxRetriesPerRequest: null, commandTimeout: undefined });
  subscriber.on('error', () => {}); // The main connection reports outages.
  subscriber.on('message', (_channel, body) => onMessage(body));
  return { heard: subscriber.subscribe(channel), close: () => subscriber.disconnect() };
}
