/**
 * The fleet in one tick: which instances serve or are about to, which could be started, which
 * numbers are taken. EC2's list lags, so recent requests to EC2 count too. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { LeaseState } from '../../cloud/redis/leases.ts';
import { recentLaunches, unlisted } from './launches.ts';
import type { AskedAt, Launch, Memory } from './memory.ts';
import { isUp, type Observation } from './observation.ts';

/** An instance that reports this long after it was asked to drain, and does not drain, is asked again. */
export const ASK_AGAIN_MS = 5000;
/** A request to EC2 that does not show after this time is repeated. */
export const SHOW_MS = 30_000;
/** A Name that does not show after this time is written again. */
const NAME_AGAIN_MS = 10_000;

/** Age up to which a lease that says draining is believed: a restored Redis may hold one from before a restart. */
export const FRESH_MS = 5000;

export interface FleetState {
  readonly serving: readonly FleetInstance[];
  readonly missing: readonly Launch[];
  /** Stopped or stopping, in the warm pool or by another program. */
  readonly stopped: readonly FleetInstance[];
  /**
   * Everything that could still be alive: pending, running, on its way to a stop or stopped (it can be
   * started by anyone), and launches that EC2 does not list. Only one that shuts down cannot come back.
   */
  readonly alive: number;
  readonly numbers: ReadonlySet<number>;
}

/** @param ending ids of those that this very tick terminates or stops */
export function fleetState(
  instances: readonly FleetInstance[],
  { leases }: Observation,
  memory: Memory,
  ending: ReadonlySet<string>,
): FleetState {
  const missing = unlisted(memory.launches, instances);
  const leaving = (id: string): boolean =>
    ending.has(id) || memory.terminations.has(id) || memory.stops.has(id);
  const serving = instances.filter(({ id, state }) => {
    const lease = leases?.get(id);
    return (
      isUp(state) &&
      !leaving(id) &&
      !memory.drains.has(id) &&
      !(lease && lease.silentMs <= FRESH_MS && isLeaving(lease.state))
    );
  });
  return {
    serving,
    missing,
    stopped: instances.filter(
      ({ id, state }) =>
        state === 'stopped' ||
        state === 'stopping' ||
        (isUp(state) && memory.stops.has(id) && !memory.terminations.has(id)),
    ),
    alive: instances.filter(({ state }) => state !== 'shutting-down').length + missing.length,
    numbers: new Set([...instances, ...missing].map(({ number }) => number)),
  };
}

function isLeaving(state: LeaseState): boolean {
  return state === 'draining' || state === 'drained';
}

/**
 * EC2's list with what was started lately: a list that lags shows it stopped, or as it ran before. Its
 * launch is the start, whatever the list says.
 */
export function withStarts(
  instances: readonly FleetInstance[],
  starts: AskedAt,
  now: number,
): readonly FleetInstance[] {
  if (starts.size === 0) return instances;
  return instances.map((instance) => {
    const startedAt = starts.get(instance.id);
    if (startedAt === undefined) return instance;
    const atRest = instance.state === 'stopped' || instance.state === 'stopping';
    const state = atRest && now - startedAt <= SHOW_MS ? 'pending' : instance.state;
    return { ...instance, state, launchedAt: Math.max(instance.launchedAt, startedAt) };
  });
}

/**
 * Drops what is remembered of instances that are gone, and wishes that were not heard.
 * @param instances as `withStarts` gives them
 */
export function forgetGone(
  memory: Memory,
  instances: readonly FleetInstance[],
  { now, leases }: Observation,
  bootMs: number,
): Memory {
  const byId = new Map(instances.map((instance) => [instance.id, instance]));
  const isUpNow = (id: string): boolean => {
    const state = byId.get(id)?.state;
    return state !== undefined && isUp(state);
  };
  const unheard = (id: string, askedAt: number): boolean => {
    const lease = leases?.get(id);
    if (lease === undefined || isLeaving(lease.state)) return false;
    return now - lease.silentMs - askedAt > ASK_AGAIN_MS;
  };
  const keep = (asked: AskedAt, holds: (id: string, at: number) => boolean): AskedAt =>
    asked.size === 0 ? asked : new Map([...asked].filter(([id, at]) => holds(id, at)));
  return {
    ...memory,
    launches: recentLaunches(instances, memory, now),
    drains: keep(memory.drains, (id, at) => isUpNow(id) && !unheard(id, at)),
    terminations: keep(memory.terminations, (id, at) => {
      const state = byId.get(id)?.state;
      return state !== undefined && state !== 'shutting-down' && now - at <= SHOW_MS;
    }),
    stops: keep(memory.stops, (id, at) => byId.has(id) && now - at <= SHOW_MS),
    starts: keep(
      memory.starts,
      (id, at) => byId.has(id) && now - at <= (isUpNow(id) ? Math.max(SHOW_MS, bootMs) : SHOW_MS),
    ),
    unsureStarts: keep(memory.unsureStarts, (id, at) => byId.has(id) && now - at <= SHOW_MS),
    names: keep(
      memory.names,
      (id, at) => byId.get(id)?.unnamed === true && now - at <= NAME_AGAIN_MS,
    ),
    endPauses:
      memory.endPauses.size === 0
        ? memory.endPauses
        : new Map([...memory.endPauses].filter(([id]) => byId.has(id))),
    unstoppable:
      memory.unstoppable.size === 0
        ? memory.unstoppable
        : new Set([...memory.unstoppable].filter((id) => byId.has(id))),
  };
}
