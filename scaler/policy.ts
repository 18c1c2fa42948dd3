/**
 * What a scaling policy sees, knows and says. Data only: what is observed in one tick, and the one
 * signature of every policy. Knows nothing of how a wish is carried out.
 */
import type { FleetInstance } from '../cloud/instances.ts';
import type { LeaseReading } from '../cloud/leases.ts';
import type { PressureReading } from '../cloud/pressure.ts';
import type { QueueDepth } from '../cloud/queues.ts';
import type { Settings } from '../runtime/settings.ts';
import type { Memory } from './memory.ts';

/** One reading of the world; a part is undefined when it could not be read. */
export interface Observation {
  /** ms since 1970. */
  readonly now: number;
  /** Every instance of the app tier that is not terminated. */
  readonly instances: readonly FleetInstance[] | undefined;
  /** By instance id; an instance without one is missing here. */
  readonly leases: ReadonlyMap<string, LeaseReading> | undefined;
  readonly pressure: PressureReading | undefined;
  readonly depth: QueueDepth | undefined;
}

export type ScalingSettings = Pick<
  Settings,
  'MAX_INSTANCES' | 'SCALE_OUT_THRESHOLD' | 'IDLE_SECONDS' | 'BOOT_SECONDS'
>;

/**
 * `grow`: at least `to` instances should serve or be on their way. `shrink`: as many as are idle long
 * enough may go, down to `to`. `hold`: leave the fleet as it is.
 */
export type Wish =
  | { readonly kind: 'grow' | 'shrink'; readonly to: number; readonly reason: string }
  | { readonly kind: 'hold'; readonly reason: string };

/** Pure. It wishes for a number; which instances, and whether safely, is `decide`'s to say. */
export type Policy = (observation: Observation, settings: ScalingSettings, memory: Memory) => Wish;

/** Requests waiting or in work, of one source or of both. */
export interface Demand {
  /** The larger of what could be read; undefined when nothing could. */
  readonly known: number | undefined;
  /** Both sources were read and show nothing: only then is the queue taken to be empty. */
  readonly certainlyNone: boolean;
}

/** Redis counts a request before SQS shows it, SQS keeps it when Redis has lost it: the larger is right. */
export function demandOf({ pressure, depth }: Pick<Observation, 'pressure' | 'depth'>): Demand {
  const read = [pressure?.count, depth && queued(depth)].filter((count) => count !== undefined);
  const known = read.length === 0 ? undefined : Math.max(...read);
  return { known, certainlyNone: read.length === 2 && known === 0 };
}

/** Every message that SQS still has, in whatever state. */
export function queued({ visible, inFlight, delayed }: QueueDepth): number {
  return visible + inFlight + delayed;
}
