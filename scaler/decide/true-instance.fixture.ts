/** An instance of the world of property tests as it truly is, whatever EC2's list and its lease say. */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import { LEASE_MS, type LeaseReading } from '../../cloud/redis/leases.ts';
import { RECENT_MS, type SeenPressure } from './observation.ts';

export interface Request {
  readonly id: number;
  readonly work: number;
  readonly cameAt: number;
}

export interface TrueInstance {
  readonly id: string;
  readonly number: number;
  readonly spot: boolean;
  /** It ends by itself before it is up. */
  readonly stillborn: boolean;
  launchedAt: number;
  unnamed: boolean;
  state: 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';
  endsAt: number;
  hung: boolean;
  lease: 'starting' | 'idle' | 'busy' | 'draining' | 'drained';
  since: number;
  readonly inHand: { request: Request; doneAt: number }[];
  finished: number;
}

/** What begins when it boots, for the first time or again. */
export function justLaunched(now: number) {
  return {
    state: 'running',
    launchedAt: now,
    since: now,
    lease: 'starting',
    hung: false,
    finished: 0,
  } as const;
}

export type KeptLease = LeaseReading & { readonly at: number };

/** What Redis has of these at a time. */
export function leasesOf(
  leases: ReadonlyMap<string, KeptLease>,
  instances: readonly { readonly id: string }[],
  now: number,
): Map<string, LeaseReading> {
  const readings = new Map<string, LeaseReading>();
  for (const { id } of instances) {
    const lease = leases.get(id);
    const silentMs = now - (lease?.at ?? 0);
    if (lease && silentMs < LEASE_MS) readings.set(id, { ...lease, silentMs });
  }
  return readings;
}

/** What EC2 lists, by a clock of its own. */
export function listedOf(instances: readonly TrueInstance[], skewMs: number): FleetInstance[] {
  return instances.flatMap(({ id, number, state, launchedAt, spot, unnamed }) =>
    state === 'terminated'
      ? []
      : [{ id, number, state, launchedAt: launchedAt + skewMs, spot, unnamed }],
  );
}

/** @param times at which the requests came that are counted */
export function pressureOf(times: readonly number[], now: number): SeenPressure {
  const recent = times.filter((at) => at >= now - RECENT_MS).length;
  const count = times.length;
  return count === 0 ? { count, recent } : { count, recent, oldestAt: Math.min(...times) };
}
