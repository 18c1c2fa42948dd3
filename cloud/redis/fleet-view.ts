/**
 * What an instance does, by EC2's state and its lease together, and a whole fleet in four numbers. Pure,
 * and shared, since the scaler and the web tier must count the same way.
 */
import { z } from 'zod';
import type { InstanceState } from '../ec2/instances.ts';
import type { LeaseReading } from './leases.ts';
import type { PressureReading } from './pressure.ts';

/** Five heartbeats missed. */
const SILENT_MS = 5000;

export type ShownState =
  | 'pending'
  | 'starting'
  | 'idle'
  | 'busy'
  | 'draining'
  | 'drained'
  | 'silent'
  | 'stopping';

export const fleetPointSchema = z.object({
  /** ms since 1970. */
  at: z.number(),
  /** Requests that wait for a worker, and that are in work; null when Redis did not say. */
  waiting: z.number().nullable(),
  inWork: z.number().nullable(),
  /** Instances that serve (idle, busy or draining), and that are on their way; null when unknown. */
  serving: z.number().nullable(),
  booting: z.number().nullable(),
});
export type FleetPoint = z.output<typeof fleetPointSchema>;

export interface ShownInstance {
  readonly id: string;
  /** EC2's. */
  readonly state: InstanceState;
  /** It has had a lease since it was started. */
  readonly spoke: boolean;
}

/** EC2's state until the instance has spoken and once it ends, its lease's between. */
export function shownState(
  { state, spoke }: Omit<ShownInstance, 'id'>,
  lease: LeaseReading | undefined,
): ShownState {
  if (state !== 'pending' && state !== 'running') return 'stopping';
  // EC2's list may lag behind a lease: an instance that reports is running.
  if (lease !== undefined) return lease.silentMs > SILENT_MS ? 'silent' : lease.state;
  if (state === 'pending') return 'pending';
  // An instance that stops deletes its lease before EC2 lists it as stopping.
  return spoke ? 'stopping' : 'starting';
}

export function fleetPoint(
  at: number,
  instances: readonly ShownInstance[] | undefined,
  leases: ReadonlyMap<string, LeaseReading> | undefined,
  pressure: Pick<PressureReading, 'count'> | undefined,
): FleetPoint {
  const states = leases && instances?.map((one) => shownState(one, leases.get(one.id)));
  const count = (which: readonly ShownState[]): number | null =>
    states?.filter((state) => which.includes(state)).length ?? null;
  const inHand = [...(leases?.values() ?? [])].reduce((sum, lease) => sum + lease.inHand, 0);
  // An answered request leaves the pressure at once, its worker's lease up to a second later.
  const inWork = leases && pressure ? Math.min(inHand, pressure.count) : null;
  return {
    at,
    waiting: pressure && inWork !== null ? pressure.count - inWork : null,
    inWork,
    serving: count(['idle', 'busy', 'draining']),
    booting: count(['pending', 'starting']),
  };
}
