/**
 * What an observation says to a decision: the summary that policies get (how many requests wait, how many
 * instances serve and boot, and how fast), and whether pressure is stale, which means that neither the queue
 * nor any instance has its requests any more. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Forgetting } from './actions.ts';
import { estimatesOf } from './measure.ts';
import type { Launch, Memory } from './memory.ts';
import { demandOf, type Observation, queued, RECENT_MS } from './observation.ts';
import type { Situation } from './policies/policy.ts';

/** @param fleet instances that are not draining, dead or ending, and launches that EC2 does not list */
export function situationOf(
  observation: Observation,
  fleet: { readonly serving: readonly FleetInstance[]; readonly missing: readonly Launch[] },
  memory: Memory,
): Situation {
  const { now, leases, pressure, depth } = observation;
  const demand = demandOf(observation);
  const known = demand.known ?? 0;
  const inHand = [...(leases?.values() ?? [])].reduce((sum, lease) => sum + lease.inHand, 0);
  const inFlight = Math.min(known, depth?.inFlight ?? inHand);
  const estimates = estimatesOf(memory.measures);
  const bootMs = estimates.bootSeconds * 1000;
  const boots = ({ id, launchedAt }: FleetInstance): boolean => {
    const lease = leases?.get(id);
    if (lease !== undefined) return lease.state === 'starting';
    // An instance that has reported before has only lost its lease; without leases, its age decides.
    return !memory.lastHeardAt.has(id) && (leases !== undefined || now - launchedAt < bootMs);
  };
  const booting = fleet.serving.filter(boots);
  const age = (since: number): number => Math.max(0, now - since) / 1000;
  return {
    now,
    demand,
    visible: known - inFlight,
    inFlight,
    oldestSeconds: pressure?.oldestAt === undefined ? undefined : age(pressure.oldestAt),
    emptySeconds: known > 0 || memory.empty === undefined ? undefined : age(memory.empty.since),
    serving: fleet.serving.length - booting.length,
    booting: [
      ...booting.map(({ launchedAt }) => age(launchedAt)),
      ...fleet.missing.map(({ askedAt }) => age(askedAt)),
    ],
    ...estimates,
  };
}

/** Pressure that no queue and no instance accounts for is removed after this time … */
export const FORGET_MS = RECENT_MS;
/** … and at least this many readings in a row, since SQS's counts are approximate. */
export const FORGET_READINGS = 5;

/**
 * Pressure is stale when a web node or worker died at a bad moment, or Redis came back with an old state.
 * @returns since when nothing is queued or in hand; undefined when something is, or it cannot be known.
 */
export function emptySince(
  { now, depth, leases }: Observation,
  { empty }: Pick<Memory, 'empty'>,
): Memory['empty'] {
  if (depth === undefined || leases === undefined || queued(depth) > 0) return undefined;
  for (const { inHand } of leases.values()) if (inHand > 0) return undefined;
  return { since: empty?.since ?? now, readings: (empty?.readings ?? 0) + 1 };
}

export function forgetPressure(
  { now, pressure }: Observation,
  empty: Memory['empty'],
): Forgetting[] {
  if (empty === undefined || empty.readings < FORGET_READINGS) return [];
  const before = now - FORGET_MS;
  const oldestAt = pressure?.oldestAt ?? before;
  if (empty.since > before || oldestAt >= before) return [];
  const reason = 'nothing has been queued or in progress for longer than requests are counted';
  return [{ kind: 'forget-pressure', before, olderThanMs: FORGET_MS, cause: 'lost', reason }];
}
