/**
 * Instances that end before they take work: a wrong image, a model that does not load, no route to SQS.
 * Launched again at once and in full number they would cost forever, so after the first failure only
 * one instance at a time is launched, after growing pauses, until one reports. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Backoff, Memory, PendingBoot } from './memory.ts';
import { isUp, type Observation } from './observation.ts';

/** An instance was up for BOOT_SECONDS and never took work. */
export const NEVER_REPORTED = 'NeverReported';
const FIRST_PAUSE_MS = 5000;
/** Failures before the pauses grow: a minute of unrelated failures must not cost the half minute after it. */
const SHORT_PAUSES = 3;
const LONGEST_PAUSE_MS = 600_000;
/** A backoff is forgotten this long after its last pause. */
const FORGET_MS = 3_600_000;

/** @param before of these `dead` ones: of one fleet they are one failure, however they end */
export function backOff(
  before: Backoff | undefined,
  dead: readonly PendingBoot[],
  code: string,
  now: number,
): Backoff | undefined {
  if (dead.length === 0) return before;
  const deaths = (before?.deaths ?? 0) + dead.length;
  if (before !== undefined && dead.every(({ at }) => at < before.since)) {
    return { ...before, deaths, code };
  }
  const failures = (before?.failures ?? 0) + 1;
  const doublings = Math.min(Math.max(0, failures - SHORT_PAUSES), 10);
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** doublings);
  return { deaths, failures, since: now, until: now + pause, code };
}

export interface Followed {
  readonly pendingBoots: ReadonlyMap<string, PendingBoot>;
  /** Ids of those that ended by themselves: EC2 is asked why. */
  readonly ended: readonly string[];
  readonly backoff: Backoff | undefined;
}

/**
 * What has become of the launched ones.
 * @param before of this tick: launches whose answer was lost got their ids since
 */
export function followBoots(
  before: Memory,
  memory: Memory,
  instances: readonly FleetInstance[],
  { now, leases }: Pick<Observation, 'now' | 'leases'>,
  bootMs: number,
): Followed {
  const known = new Map(memory.pendingBoots);
  const unsure = new Set(
    before.launches.filter((one) => one.instanceId === undefined).map(({ nonce }) => nonce),
  );
  for (const { instanceId, nonce, number, call, askedAt } of memory.launches) {
    if (instanceId === undefined || !unsure.has(nonce)) continue;
    known.set(instanceId, { number, place: call.place, at: askedAt });
  }
  const states = new Map(instances.map(({ id, state }) => [id, state]));
  const believed = new Set(memory.launches.map(({ instanceId }) => instanceId));
  const pendingBoots = new Map<string, PendingBoot>();
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
    // Without leases the scaler cannot tell whether it has reported.
    if (isThere && leases === undefined && now - birth.at > bootMs) continue;
    if (state === 'stopping' || state === 'stopped') continue;
    pendingBoots.set(id, birth);
    if (!isThere) ended.push(id);
  }
  const old = memory.backoff !== undefined && now - memory.backoff.until > FORGET_MS;
  const forgotten = reported || (old && pendingBoots.size === 0);
  return { pendingBoots, ended, backoff: forgotten ? undefined : memory.backoff };
}

/** Why nothing may be launched now (the text stays the same for the same reason); undefined when launches are allowed. */
export function whyWait(
  { backoff, pendingBoots }: Pick<Memory, 'backoff' | 'pendingBoots'>,
  isUnsure: boolean,
  now: number,
): string | undefined {
  if (backoff === undefined) return undefined;
  const why = `${backoff.deaths} launched instances in a row ended before reporting (${backoff.code})`;
  if (now < backoff.until) {
    return `launches wait until ${new Date(backoff.until).toISOString()}: ${why}`;
  }
  return pendingBoots.size > 0 || isUnsure
    ? `launches wait for the instances that are booting: ${why}`
    : undefined;
}
