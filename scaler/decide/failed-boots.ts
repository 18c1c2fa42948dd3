/**
 * Instances that end before they take work: a wrong image, a model that does not load, no way to SQS.
 * Launched again at once and at full size they would cost for ever, so that after the first of them only
 * one instance at a time is tried, after pauses that grow, until one reports. Pure.
 */

import type { FleetInstance } from '../../cloud/instances.ts';
import type { Birth, Brake, Memory } from './memory.ts';
import { isUp, type Observation } from './observation.ts';

/** An instance was up for BOOT_SECONDS and never took work. */
export const NEVER_REPORTED = 'NeverReported';
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 600_000;
/** A brake that nobody has tried for so long is forgotten. */
const FORGET_MS = 3_600_000;

/** @param before of these `dead` ones: of one fleet they are one failure, however they end */
export function braked(
  before: Brake | undefined,
  dead: readonly Birth[],
  code: string,
  now: number,
): Brake | undefined {
  if (dead.length === 0) return before;
  const deaths = (before?.deaths ?? 0) + dead.length;
  if (before !== undefined && dead.every(({ at }) => at < before.since)) {
    return { ...before, deaths, code };
  }
  const failures = (before?.failures ?? 0) + 1;
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
  return { deaths, failures, since: now, until: now + pause, code };
}

export interface Followed {
  readonly births: ReadonlyMap<string, Birth>;
  /** Those of them that ended by themselves: EC2 is to be asked why. */
  readonly ended: readonly string[];
  readonly brake: Brake | undefined;
}

/**
 * What has become of the launched ones.
 * @param before of this tick: launches whose answer was lost got their ids since
 */
export function followBirths(
  before: Memory,
  memory: Memory,
  instances: readonly FleetInstance[],
  { now, leases }: Pick<Observation, 'now' | 'leases'>,
  bootMs: number,
): Followed {
  const known = new Map(memory.births);
  const unsure = new Set(
    before.launches.filter((one) => one.instanceId === undefined).map(({ nonce }) => nonce),
  );
  for (const { instanceId, nonce, number, call, askedAt } of memory.launches) {
    if (instanceId === undefined || !unsure.has(nonce)) continue;
    known.set(instanceId, { number, place: call.place, at: askedAt });
  }
  const states = new Map(instances.map(({ id, state }) => [id, state]));
  const believed = new Set(memory.launches.map(({ instanceId }) => instanceId));
  const births = new Map<string, Birth>();
  const ended: string[] = [];
  let reported = false;
  for (const [id, birth] of known) {
    const lease = leases?.get(id);
    if (lease !== undefined && lease.state !== 'starting') {
      reported ||= lease.state === 'idle' || lease.state === 'busy';
      continue;
    }
    // What this controller ends itself is counted when it decides so.
    if (memory.terminations.has(id)) continue;
    const state = states.get(id);
    const isThere = state === undefined ? believed.has(id) : isUp(state);
    // Without leases nobody can tell whether it has reported.
    if (isThere && leases === undefined && now - birth.at > bootMs) continue;
    if (state === 'stopping' || state === 'stopped') continue;
    births.set(id, birth);
    if (!isThere) ended.push(id);
  }
  const old = memory.brake !== undefined && now - memory.brake.until > FORGET_MS;
  const forgotten = reported || (old && births.size === 0);
  return { births, ended, brake: forgotten ? undefined : memory.brake };
}

/** Why nothing may be launched now, in words that stay the same while it is so; undefined when one may be. */
export function whyWait(
  { brake, births }: Pick<Memory, 'brake' | 'births'>,
  isUnsure: boolean,
  now: number,
): string | undefined {
  if (brake === undefined) return undefined;
  const why = `${brake.deaths} launched in a row ended before they reported (${brake.code})`;
  if (now < brake.until) {
    return `launching waits until ${new Date(brake.until).toISOString()}: ${why}`;
  }
  return births.size > 0 || isUnsure
    ? `launching waits for those that are booting: ${why}`
    : undefined;
}
