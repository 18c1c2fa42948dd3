/**
 * The decision of one tick: from what was observed, the settings and what is remembered to actions with
 * their reasons. Pure: the service and the simulator run this same function.
 */
import type { FleetInstance } from '../cloud/instances.ts';
import type { LeaseReading } from '../cloud/leases.ts';
import type { Action, Draining, Launching, Terminating } from './actions.ts';
import { emptySince, forgetPressure } from './healing.ts';
import { hear, isUp, whyDead } from './health.ts';
import { lowestFree, recentLaunches, unlisted } from './launches.ts';
import { measure } from './measure.ts';
import { expect, type Launch, type Memory } from './memory.ts';
import { policies } from './policies/named.ts';
import {
  type Grow,
  type Observation,
  type Policy,
  type ScalingSettings,
  type Shrink,
  wishOf,
} from './policy.ts';
import { situationOf } from './situation.ts';

export interface Decision {
  readonly actions: readonly Action[];
  /** Why there are these actions, or none; the same words while nothing changes. */
  readonly reasons: readonly string[];
  /** As if every action succeeds; `learn` corrects it. */
  readonly memory: Memory;
}

/** An instance that speaks so long after it was asked to drain, and does not, has not heard it. */
export const ASK_AGAIN_MS = 5000;
/** A terminated instance that EC2 lists as alive so long after is terminated again. */
export const TERMINATE_AGAIN_MS = 30_000;

/** @param policy how many instances there should be; all the rest is safety and the same for every policy */
export function decide(
  observation: Observation,
  settings: ScalingSettings,
  memory: Memory,
  policy: Policy = policies[settings.SCALE_POLICY],
): Decision {
  const hearing = hear(observation, memory);
  const empty = emptySince(observation, memory);
  const measures = measure(observation, memory.measures);
  const heard: Memory = { ...memory, ...hearing, empty, measures };
  const healing = forgetPressure(observation, empty);
  const { instances } = observation;
  if (instances === undefined) {
    const reason = 'EC2 gave no list of instances: the fleet stays as it is';
    return { actions: healing, reasons: [reason], memory: heard };
  }
  const tidy = forgetGone(heard, instances, observation);
  const terminations = toTerminate(observation, instances, settings, tidy);
  const fleet = sort(instances, observation, tidy, terminations);
  const wish = wishOf(policy, situationOf(observation, fleet, tidy), settings);
  const { now } = observation;
  const spareSince = wish.kind === 'shrink' ? (memory.spareSince ?? now) : undefined;
  const launches = wish.kind === 'grow' ? toLaunch(wish, fleet, settings, tidy, observation) : [];
  const drains = wish.kind === 'shrink' ? toDrain(wish, fleet, spareSince ?? now, observation) : [];
  const actions = [...terminations, ...drains, ...launches, ...healing];
  const waits = wish.kind === 'grow' && now < tidy.backoff.until;
  const reasons = waits ? [wish.reason, 'launching waits after a failure'] : [wish.reason];
  return { actions, reasons, memory: expect({ ...tidy, spareSince }, actions, now) };
}

/** What counts how, in this tick. */
interface FleetNow {
  readonly serving: readonly FleetInstance[];
  readonly missing: readonly Launch[];
  /**
   * Everything that could still be alive: pending, running, on its way to a stop or stopped (it can be
   * started by anyone), and launches that EC2 does not list. Only one that shuts down cannot come back.
   */
  readonly alive: number;
  readonly numbers: ReadonlySet<number>;
}

function sort(
  instances: readonly FleetInstance[],
  { leases }: Observation,
  memory: Memory,
  terminations: readonly { instanceId: string }[],
): FleetNow {
  const ending = new Set(terminations.map(({ instanceId }) => instanceId));
  const missing = unlisted(memory.launches, instances);
  const serving = instances.filter(({ id, state }) => {
    const lease = leases?.get(id);
    return (
      isUp(state) &&
      !ending.has(id) &&
      !memory.terminations.has(id) &&
      !memory.drains.has(id) &&
      lease?.state !== 'draining' &&
      lease?.state !== 'drained'
    );
  });
  return {
    serving,
    missing,
    alive: instances.filter(({ state }) => state !== 'shutting-down').length + missing.length,
    numbers: new Set([...instances, ...missing].map(({ number }) => number)),
  };
}

/** The drained ones, also when demand is back: they take no more; and the dead ones. */
function toTerminate(
  { now, leases }: Observation,
  instances: readonly FleetInstance[],
  settings: ScalingSettings,
  memory: Memory,
): Terminating[] {
  // Without leases nobody can tell who is busy.
  if (leases === undefined) return [];
  const bootMs = settings.BOOT_SECONDS * 1000;
  return instances.flatMap((instance) => {
    const { id: instanceId, number, state } = instance;
    if (!isUp(state) || memory.terminations.has(instanceId)) return [];
    const lease = leases.get(instanceId);
    const drained = lease?.state === 'drained' && lease.inHand === 0;
    const reason = drained ? 'it has drained' : whyDead(instance, lease, memory, { now, bootMs });
    return reason === undefined ? [] : [{ kind: 'terminate', number, instanceId, reason }];
  });
}

/** Launches whose outcome is not known come first: asked again with the same token, they launch once. */
function toLaunch(
  wish: Grow,
  fleet: FleetNow,
  settings: ScalingSettings,
  memory: Memory,
  { now }: Observation,
): Launching[] {
  if (now < memory.backoff.until) return [];
  const { reason } = wish;
  const unsure = fleet.missing.filter(({ instanceId }) => instanceId === undefined);
  const sure = fleet.serving.length + fleet.missing.length - unsure.length;
  const retries = unsure.slice(0, Math.max(0, wish.to - sure));
  const count = Math.min(wish.to - sure - unsure.length, settings.MAX_INSTANCES - fleet.alive);
  const numbers = lowestFree(fleet.numbers, Math.max(0, count));
  return [
    ...retries.map(({ number, nonce }) => ({ kind: 'launch' as const, number, nonce, reason })),
    ...numbers.map((number, index) => ({
      kind: 'launch' as const,
      number,
      nonce: `${memory.seed}-${(memory.launchCount + index).toString(36)}`,
      reason,
    })),
  ];
}

/** Idle ones only, the highest numbers first. The wish is a question: one that got work meanwhile ends it. */
function toDrain(
  wish: Shrink,
  fleet: FleetNow,
  spareSince: number,
  { now, leases, pressure, depth }: Observation,
): Draining[] {
  if (leases === undefined || pressure === undefined || depth === undefined) return [];
  if (now - spareSince < (wish.keepSeconds ?? 0) * 1000) return [];
  const spare = Math.max(0, fleet.serving.length + fleet.missing.length - wish.to);
  const mustIdle = ({ launchedAt }: FleetInstance): number => {
    const { young, idleSeconds } = wish;
    return young && now - launchedAt < young.forSeconds * 1000 ? young.idleSeconds : idleSeconds;
  };
  return fleet.serving
    .filter((instance) => idleMs(leases.get(instance.id)) >= mustIdle(instance) * 1000)
    .sort((a, b) => b.number - a.number)
    .slice(0, spare)
    .map(({ id, number }) => {
      const seconds = Math.floor(idleMs(leases.get(id)) / 1000);
      const reason = `${wish.reason} and it has been idle for ${seconds} s`;
      return { kind: 'drain', number, instanceId: id, reason };
    });
}

/** How long it has been idle, in ms; negative when it is not. */
function idleMs(lease: LeaseReading | undefined): number {
  return lease?.state === 'idle' && lease.inHand === 0 ? lease.forMs + lease.silentMs : -1;
}

/** Drops what is remembered of instances that are gone, and wishes that were not heard. */
function forgetGone(
  memory: Memory,
  instances: readonly FleetInstance[],
  { now, leases }: Observation,
): Memory {
  const up = new Set(instances.filter(({ state }) => isUp(state)).map(({ id }) => id));
  const unheard = (id: string, askedAt: number): boolean => {
    const lease = leases?.get(id);
    if (lease === undefined || lease.state === 'draining' || lease.state === 'drained')
      return false;
    return now - lease.silentMs - askedAt > ASK_AGAIN_MS;
  };
  return {
    ...memory,
    launches: recentLaunches(instances, memory, now),
    drains: new Map([...memory.drains].filter(([id, at]) => up.has(id) && !unheard(id, at))),
    terminations: new Map(
      [...memory.terminations].filter(([id, at]) => up.has(id) && now - at <= TERMINATE_AGAIN_MS),
    ),
  };
}
