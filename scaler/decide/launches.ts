/**
 * Launches beside EC2’s list and EC2’s clock: the list lags (a launch may be missing for seconds, and missing
 * again after it was there once), and the clock may be ahead or behind by any amount. Says which launches to
 * count, which numbers are free, and when an instance was launched by this scaler’s own clock. Pure.
 */
import { writeNumbers } from '../../cloud/contract/names.ts';
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Place } from '../../cloud/ec2/launch-input.ts';
import type { Cause, Launching } from './actions.ts';
import type { Launch, Memory } from './memory.ts';

/** A launch that EC2 has not listed within this time has failed. Its list is rarely more than seconds late. */
export const UNSEEN_MS = 30_000;
/** EC2's list mostly shows a launch within this time; one that it lacks for longer is asked about by its id. */
export const LATE_MS = 5000;
/** Once listed, a launch is believed for this long even when another list lacks it. */
export const SEEN_MS = 5000;

/**
 * Up to this many are launched one by one, each named in its own call; more are launched in one call and
 * named after. EC2's bucket for RunInstances holds 5 requests and gets 2 a second; that for CreateTags
 * holds 100 and gets 10 (EC2 developer guide, request throttling).
 */
export const MOST_CALLS = 5;
/** EC2's limit for a tag's value, less one. */
const TAG_LENGTH = 255;

/**
 * Launches of these numbers, in as few calls as MOST_CALLS says.
 * @param numbers ascending
 * @param nonce of the nth of them
 */
export function launchesOf(
  numbers: readonly number[],
  {
    place,
    nonce,
    ...why
  }: { place: Place; cause: Cause; reason: string; nonce: (index: number) => string },
): Launching[] {
  const groups =
    numbers.length <= MOST_CALLS ? numbers.map((number) => [number]) : inOneCall(numbers);
  let index = 0;
  return groups.flatMap((group) => {
    const call = { nonce: nonce(index), numbers: group, place };
    return group.map(
      (number): Launching => ({ kind: 'launch', number, nonce: nonce(index++), call, ...why }),
    );
  });
}

/** One group, or several where their numbers are too scattered for one tag. */
function inOneCall(numbers: readonly number[]): number[][] {
  const groups: number[][] = [];
  for (const number of numbers) {
    const group = groups.at(-1);
    if (group && writeNumbers([...group, number]).length <= TAG_LENGTH) group.push(number);
    else groups.push([number]);
  }
  return groups;
}

/** The launches that still count, by what EC2 lists now. */
export function recentLaunches(
  instances: readonly FleetInstance[],
  { launches, terminations }: Memory,
  now: number,
): Launch[] {
  if (launches.length === 0) return [];
  const find = instanceFinder(instances);
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
  const find = instanceFinder(instances);
  return launches.filter((launch) => find(launch) === undefined);
}

/** Those of them that may have ended before EC2 listed them: its list leaves out what is terminated. */
export function late(missing: readonly Launch[], now: number): Launch[] {
  return missing.filter(
    ({ instanceId, seenAt, inquiredAt, askedAt }) =>
      instanceId !== undefined && seenAt === undefined && now - (inquiredAt ?? askedAt) > LATE_MS,
  );
}

/** By id where EC2 gave one; else by number, since numbers are given once. */
function instanceFinder(instances: readonly FleetInstance[]) {
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

/** EC2's list may lack an instance for a while; what is away for longer is gone. */
const KEPT_MS = 60_000;

/**
 * When each instance was first seen: EC2's clock may be off, so an instance counts from when this scaler launched
 * or started it, or else first saw it.
 */
export function firstSightsOf(
  instances: readonly FleetInstance[],
  { firstSights, launches, starts }: Pick<Memory, 'firstSights' | 'launches' | 'starts'>,
  now: number,
): Memory['firstSights'] {
  const seen = new Map([...firstSights].filter(([, { seenAt }]) => now - seenAt <= KEPT_MS));
  const launchOf = launchFinder(launches);
  for (const instance of instances) {
    const { id, launchedAt } = instance;
    const before = firstSights.get(id);
    if (before?.launchedAt === launchedAt) {
      seen.set(id, { ...before, seenAt: now });
      continue;
    }
    const askedAt =
      starts.get(id) ?? (before === undefined ? launchOf(instance)?.askedAt : undefined);
    seen.set(id, { launchedAt, at: askedAt ?? now, seenAt: now, isOurs: askedAt !== undefined });
  }
  return seen;
}

/** A launch without an answer has no id yet; its number is its own. */
function launchFinder(
  launches: readonly Launch[],
): (instance: FleetInstance) => Launch | undefined {
  const byId = new Map(launches.map((launch) => [launch.instanceId, launch]));
  const unsure = launches.filter(({ instanceId }) => instanceId === undefined);
  const byNumber = new Map(unsure.map((launch) => [launch.number, launch]));
  return ({ id, number }) => byId.get(id) ?? byNumber.get(number);
}

/** The instances with their launch times by this controller's clock. */
export function inOwnTime(
  instances: readonly FleetInstance[],
  firstSights: Memory['firstSights'],
): readonly FleetInstance[] {
  return instances.map((instance) => ({
    ...instance,
    launchedAt: firstSights.get(instance.id)?.at ?? instance.launchedAt,
  }));
}
