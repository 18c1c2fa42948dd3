/**
 * What the scaler observed in one tick, and the demand that follows from it: requests that are waiting or in
 * work. Pure. Knows no policy.
 */

import type { QueueDepth } from '../../cloud/aws/sqs/queues.ts';
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { LeaseReading } from '../../cloud/redis/leases.ts';

/** Request pressure, with times by this controller's clock. */
export interface SeenPressure {
  readonly count: number;
  /** When the oldest request came, in ms since 1970; undefined when there is none. */
  readonly oldestAt?: number;
  /** How many requests came within `RECENT_MS`. */
  readonly recent?: number;
}

/**
 * One reading of the world; a part is undefined when it could not be read. Times are by this controller's
 * own clock, but for EC2's launch times: `decide` takes those only for names (see `launches.ts`).
 */
export interface Observation {
  /** ms since 1970. */
  readonly now: number;
  /** Every instance of the app tier that is not terminated. */
  readonly instances: readonly FleetInstance[] | undefined;
  /** By instance id; an instance without one is missing here. */
  readonly leases: ReadonlyMap<string, LeaseReading> | undefined;
  readonly pressure: SeenPressure | undefined;
  readonly depth: QueueDepth | undefined;
}

/** Whether it serves or is about to; any other state is on its way out or stopped. */
export function isUp(state: FleetInstance['state']): boolean {
  return state === 'pending' || state === 'running';
}

/** Requests waiting or in work, of one source or of both. */
export interface Demand {
  /** The larger of what could be read; undefined when nothing could. */
  readonly known: number | undefined;
  /** Both sources were read: only then may a fleet shrink. */
  readonly certain: boolean;
}

/**
 * SQS shows a message within this time, or never: pressure that is older and that it does not show is not
 * believed.
 */
export const RECENT_MS = 15_000;

/**
 * Pressure that may be true. A Redis put back from an old copy holds requests of long ago: of those that
 * SQS does not show, only such as came lately may be on their way into it.
 */
export function believedPressure({
  pressure,
  depth,
}: Pick<Observation, 'pressure' | 'depth'>): number | undefined {
  if (pressure === undefined || depth === undefined || pressure.recent === undefined) {
    return pressure?.count;
  }
  return Math.min(pressure.count, queued(depth) + pressure.recent);
}

/** Redis counts a request before SQS shows it, SQS keeps it when Redis has lost it: the larger is right. */
export function demandOf({ pressure, depth }: Pick<Observation, 'pressure' | 'depth'>): Demand {
  const read = [believedPressure({ pressure, depth }), depth && queued(depth)].filter(
    (count) => count !== undefined,
  );
  const known = read.length === 0 ? undefined : Math.max(...read);
  return { known, certain: read.length === 2 };
}

/** Every message that SQS still has, in whatever state. */
export function queued({ visible, inFlight, delayed }: QueueDepth): number {
  return visible + inFlight + delayed;
}
