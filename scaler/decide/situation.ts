/**
 * What an observation says to a decision: the summary that policies get (how many requests wait, how many
 * instances serve and boot, and how fast), and whether pressure is stale, which means that neither the queue
 * nor any instance has its requests any more. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Forgetting } from './actions.ts';
import { estimatesOf } from './measure.ts';
import type { Launch, Memory, Streak } from './memory.ts';
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

/** @returns since when nothing is queued or in hand; undefined when something is, or it cannot be known. */
export function emptySince(
  { now, depth, leases }: Observation,
  { empty }: Pick<Memory, 'empty'>,
): Memory['empty'] {
  if (depth === undefined || leases === undefined || queued(depth) > 0) return undefined;
  for (const { inHand } of leases.values()) if (inHand > 0) return undefined;
  return longer(empty, now);
}

/** @returns since when more requests are counted than are queued, in hand or on their way into the queue */
export function surplusSince(
  { now, depth, pressure }: Observation,
  { surplus }: Pick<Memory, 'surplus'>,
): Memory['surplus'] {
  if (depth === undefined || pressure?.recent === undefined) return undefined;
  return pressure.count > queued(depth) + pressure.recent ? longer(surplus, now) : undefined;
}

function longer(streak: Streak | undefined, now: number): Streak {
  return { since: streak?.since ?? now, readings: (streak?.readings ?? 0) + 1 };
}

/**
 * Pressure is stale when a web node or worker died at a bad moment, or Redis came back with an old state. With an
 * empty queue all of it is; otherwise what is older than a request may take: its client has 504, and its
 * hold on the file name is over, so that nothing is lost should its message still come.
 */
export function forgetPressure(
  { now, pressure }: Observation,
  { empty, surplus }: Pick<Memory, 'empty' | 'surplus'>,
  requestMs: number,
): Forgetting[] {
  if (isLong(empty, now)) return forget(now, pressure, FORGET_MS, GONE);
  return isLong(surplus, now) ? forget(now, pressure, Math.max(requestMs, FORGET_MS), SURPLUS) : [];
}

const GONE = 'nothing has been queued or in progress for longer than requests are counted';
const SURPLUS = 'more requests are counted than the queue has, and the time of the oldest is over';

function isLong(streak: Streak | undefined, now: number): boolean {
  return (
    streak !== undefined && streak.readings >= FORGET_READINGS && streak.since <= now - FORGET_MS
  );
}

function forget(
  now: number,
  pressure: Observation['pressure'],
  olderThanMs: number,
  reason: string,
): Forgetting[] {
  const before = now - olderThanMs;
  if ((pressure?.oldestAt ?? before) >= before) return [];
  return [{ kind: 'forget-pressure', before, olderThanMs, cause: 'lost', reason }];
}
