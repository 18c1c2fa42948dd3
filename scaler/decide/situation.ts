/** Summarizes an observation for the policies: how many requests wait, how many instances serve and boot, and how fast. Pure. */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import { estimatesOf } from './measure.ts';
import type { Launch, Memory } from './memory.ts';
import { demandOf, type Observation } from './observation.ts';
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
