/**
 * Leases: each app-tier instance reports once a second what it does; the scaler reads it and may ask an
 * instance to drain. Ages are measured by Redis's own clock, so no two machines' clocks are compared.
 */
import type { Redis } from 'ioredis';
import { z } from 'zod';

/** How long a lease is kept after the last word of its instance. */
export const LEASE_MS = 60_000;
/** How often an instance renews it. */
export const HEARTBEAT_MS = 1000;
/** A drain wish outlives any drain, not the instance's id. */
const DRAIN_MS = 3_600_000;

export const leaseStates = ['starting', 'idle', 'busy', 'draining', 'drained'] as const;
export type LeaseState = (typeof leaseStates)[number];

const leaseSchema = z.object({
  state: z.enum(leaseStates),
  /** How long it had been in this state at its last word, in ms of its own clock. */
  forMs: z.number().nonnegative(),
  /** Requests in its hands. */
  inHand: z.int().nonnegative(),
  /** Requests finished since it started. */
  finished: z.int().nonnegative(),
  /** Version of the gallery that it searches; 0 is its model's own. */
  gallery: z.int().nonnegative().optional(),
  /** Why it does not search the newest gallery, if so. */
  galleryTrouble: z.string().max(500).optional(),
});
export type Lease = z.output<typeof leaseSchema>;

export interface LeaseReading extends Lease {
  /** Time since the instance's last word, in ms. */
  readonly silentMs: number;
}

export interface Leases {
  /** Renews the lease. @returns whether the instance is asked to drain */
  renew(instanceId: string, lease: Lease): Promise<boolean>;
  /** The leases of those instances that have one. */
  read(instanceIds: readonly string[]): Promise<ReadonlyMap<string, LeaseReading>>;
  askToDrain(instanceId: string): Promise<void>;
  /** Forgets an instance that is gone. */
  forget(instanceId: string): Promise<void>;
}

export function openLeases(redis: Redis, keys: string): Leases {
  const leaseKey = (id: string): string => `${keys}:lease:${id}`;
  const drainKey = (id: string): string => `${keys}:drain:${id}`;
  return {
    async renew(instanceId, lease) {
      const answers = await redis
        .pipeline()
        .set(leaseKey(instanceId), JSON.stringify(lease), 'PX', LEASE_MS)
        .exists(drainKey(instanceId))
        .exec();
      for (const [error] of answers ?? []) if (error) throw error;
      return answers?.[1]?.[1] === 1;
    },
    async read(instanceIds) {
      const readings = new Map<string, LeaseReading>();
      if (instanceIds.length === 0) return readings;
      const pipeline = redis.pipeline();
      for (const id of instanceIds) pipeline.get(leaseKey(id)).pttl(leaseKey(id));
      const answers = (await pipeline.exec()) ?? [];
      for (const [error] of answers) if (error) throw error;
      instanceIds.forEach((id, index) => {
        const text = answers[2 * index]?.[1] as string | null;
        const left = Number(answers[2 * index + 1]?.[1]);
        const lease = text === null ? undefined : parseLease(text);
        if (lease && left > 0)
          readings.set(id, {
            ...lease, // A clock that was set back would have it speak from the future, and count as alive for long.
            silentMs: Math.max(0, LEASE_MS - left),
          });
      });
      return readings;
    },
    async askToDrain(instanceId) {
      await redis.set(drainKey(instanceId), '1', 'PX', DRAIN_MS);
    },
    async forget(instanceId) {
      await redis.del(leaseKey(instanceId), drainKey(instanceId));
    },
  };
}

function parseLease(text: string): Lease | undefined {
  try {
    return leaseSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // Written by something else: as good as no lease.
  }
}
