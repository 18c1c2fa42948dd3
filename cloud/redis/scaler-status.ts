/**
 * What the leading scaler publishes once a second in Redis: its fleet, its last decisions, and one point
 * of the last ten minutes' history. Its age is measured by Redis's own clock, as a lease's.
 */
import type { Redis } from 'ioredis';
import type { z } from 'zod';
import { type PublishedStatus, publishedStatusSchema } from '../contract/scaler-status.ts';
import { type FleetPoint, fleetPointSchema } from './fleet-view.ts';

/**
 * Much longer than a scaler may be silent before it counts as gone: its list of instances is the best
 * there is until another leads, and their leases tell which of them live.
 */
const KEPT_MS = 600_000;
/** A point a second. */
export const HISTORY_POINTS = 600;

export interface StatusReading extends PublishedStatus {
  /** Time since the scaler's last word, in ms. */
  readonly silentMs: number;
}

export interface ScalerStatusStore {
  publish(status: PublishedStatus, point: FleetPoint): Promise<void>;
  /** Undefined when no scaler has led for long. */
  read(): Promise<StatusReading | undefined>;
  /** What scalers told in the last ten minutes, oldest first. */
  history(): Promise<FleetPoint[]>;
}

export function openScalerStatus(redis: Redis, keys: string): ScalerStatusStore {
  const statusKey = `${keys}:scaler-status`;
  const historyKey = `${keys}:history`;
  return {
    async publish(status, point) {
      const answers = await redis
        .pipeline()
        .set(statusKey, JSON.stringify(status), 'PX', KEPT_MS)
        .rpush(historyKey, JSON.stringify(point))
        .ltrim(historyKey, -HISTORY_POINTS, -1)
        .pexpire(historyKey, KEPT_MS)
        .exec();
      for (const [error] of answers ?? []) if (error) throw error;
    },
    async read() {
      const [text, left] = await Promise.all([redis.get(statusKey), redis.pttl(statusKey)]);
      const status = parse(publishedStatusSchema, text);
      if (status === undefined || left < 0) return undefined;
      return { ...status, silentMs: Math.max(0, KEPT_MS - left) };
    },
    async history() {
      const texts = await redis.lrange(historyKey, -HISTORY_POINTS, -1);
      return texts
        .map((text) => parse(fleetPointSchema, text))
        .filter((point) => point !== undefined);
    },
  };
}

/** Undefined for what another version or program wrote: as good as nothing. */
function parse<T>(schema: z.ZodType<T>, text: string | null): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text ?? 'null')).data;
  } catch {
    return undefined;
  }
}
