/**
 * Which launches to count beside EC2's list, and which numbers are free. EC2's list lags: a launch may
 * be missing for seconds, and missing again after it was there once. Pure.
 */
import type { FleetInstance } from '../cloud/instances.ts';
import type { Launch, Memory } from './memory.ts';

/** A launch that EC2 has not listed by then has failed. Its list is seldom more than seconds late. */
export const UNSEEN_MS = 30_000;
/** Once listed, a launch is believed for this long even when another list lacks it. */
export const SEEN_MS = 5000;

/** The launches that still count, by what EC2 lists now. */
export function recentLaunches(
  instances: readonly FleetInstance[],
  { launches, terminations }: Memory,
  now: number,
): Launch[] {
  if (launches.length === 0) return [];
  const find = finder(instances);
  return launches.flatMap((launch) => {
    if (launch.instanceId && terminations.has(launch.instanceId)) return [];
    const listed = find(launch);
    if (listed?.state === 'shutting-down') return [];
    if (listed) {
      const seenAt = launch.seenAt ?? now;
      return now - seenAt > SEEN_MS ? [] : [{ ...launch, instanceId: listed.id, seenAt }];
    }
    const { seenAt, askedAt } = launch;
    return now > (seenAt === undefined ? askedAt + UNSEEN_MS : seenAt + SEEN_MS) ? [] : [launch];
  });
}

/** Those of them that EC2 does not list now. */
export function unlisted(
  launches: readonly Launch[],
  instances: readonly FleetInstance[],
): Launch[] {
  if (launches.length === 0) return [];
  const find = finder(instances);
  return launches.filter((launch) => find(launch) === undefined);
}

/** By id where EC2 gave one; else by number, since numbers are given once. */
function finder(instances: readonly FleetInstance[]) {
  const byId = new Map(instances.map((instance) => [instance.id, instance]));
  const byNumber = new Map(instances.map((instance) => [instance.number, instance]));
  return ({ instanceId, number }: Launch): FleetInstance | undefined =>
    instanceId ? byId.get(instanceId) : byNumber.get(number);
}

/** The `count` lowest numbers from 1 that are not taken. */
export function lowestFree(taken: Iterable<number>, count: number): number[] {
  const used = new Set(taken);
  const free: number[] = [];
  for (let number = 1; free.length < count; number++) if (!used.has(number)) free.push(number);
  return free;
}
