/**
 * Reports to the scaler once a second what this worker does, and learns from it whether to drain. Redis may
 * be unreachable: the work goes on without it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HEARTBEAT_MS, type Lease, type Leases } from '../cloud/redis/leases.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Activity } from './activity.ts';
import type { GalleryFollower } from './gallery/follower.ts';

export interface LeaseParts {
  readonly leases: Leases;
  readonly instanceId: string;
  readonly activity: Activity;
  readonly gallery: Pick<GalleryFollower, 'version' | 'trouble'>;
  /** Called whenever the scaler asks to drain, which may be more than once. */
  readonly onDrainWish: () => void;
  readonly log: Logger;
  readonly heartbeatMs?: number;
}

export interface LeaseKeeper {
  /** Reports the present state now, for changes that the scaler waits for. */
  tell(): void;
  /** Reports the last state and stops. */
  stop(): Promise<void>;
}

export function keepLease(parts: LeaseParts): LeaseKeeper {
  const { leases, instanceId, onDrainWish, log, heartbeatMs = HEARTBEAT_MS } = parts;
  let stopping = false;
  let wake = new AbortController();

  const renew = async (): Promise<void> => {
    try {
      if (await leases.renew(instanceId, leaseOf(parts))) onDrainWish();
    } catch (err) {
      // cloud/redis/connection.ts says once that Redis is away, and when it is back.
      log.debug({ reason: messageOf(err) }, 'Cannot renew the lease');
    }
  };
  const loop = async (): Promise<void> => {
    while (!stopping) {
      wake = new AbortController();
      await renew();
      await delay(heartbeatMs, undefined, { signal: wake.signal }).catch(() => {});
    }
    await renew();
  };
  const ended = loop();
  return {
    tell: () => wake.abort(),
    stop() {
      stopping = true;
      wake.abort();
      return ended;
    },
  };
}

const MOST_TROUBLE_LETTERS = 500;

function leaseOf({ activity, gallery }: LeaseParts): Lease {
  const { version, trouble } = gallery;
  const galleryTrouble = trouble?.slice(0, MOST_TROUBLE_LETTERS);
  return { ...activity.lease, gallery: version, ...(galleryTrouble ? { galleryTrouble } : {}) };
}
