/**
 * The decision of one tick: from what was observed, the settings and what is remembered to actions with
 * their reasons. Pure: the service and the simulator run this same function.
 */

import type { FleetInstance } from '../../cloud/instances.ts';
import type { Action, Inquiring, Naming, Stopping, Terminating } from './actions.ts';
import { braked, followBirths, NEVER_REPORTED } from './failed-boots.ts';
import { fleetNow, forgetGone, withStarts } from './fleet-state.ts';
import { hear } from './health.ts';
import { inOwnTime, sightsOf } from './launch-times.ts';
import { measure } from './measure.ts';
import { expect, type Memory } from './memory.ts';
import type { Observation } from './observation.ts';
import { type Policy, type ScalingSettings, type Situation, wishOf } from './policies/policy.ts';
import { policies } from './policies/registry.ts';
import { leaving, toDrain } from './scale-in.ts';
import { type GrowSettings, grow } from './scale-out.ts';
import { situationOf } from './situation.ts';
import { emptySince, forgetPressure } from './stale-pressure.ts';

export interface Decision {
  readonly actions: readonly Action[];
  /** Why there are these actions, or none; the same words while nothing changes. */
  readonly reasons: readonly string[];
  /** As if every action succeeds; `learn` corrects it. */
  readonly memory: Memory;
  /** What the policy saw; undefined when EC2 gave no list. */
  readonly situation: Situation | undefined;
}

/** `places` and WARM_POOL left out mean one default place and no pool. */
export type DecisionSettings = ScalingSettings & Pick<GrowSettings, 'places' | 'WARM_POOL'>;

/** @param policy how many instances there should be; all the rest is safety and the same for every policy */
export function decide(
  seen: Observation,
  settings: DecisionSettings,
  memory: Memory,
  policy: Policy = policies[settings.SCALE_POLICY],
): Decision {
  const { now } = seen;
  const sights = seen.instances ? sightsOf(seen.instances, memory, now) : memory.sights;
  const instances =
    seen.instances && withStarts(inOwnTime(seen.instances, sights), memory.starts, now);
  const observation: Observation = { ...seen, instances };
  const hearing = hear(observation, memory);
  const empty = emptySince(observation, memory);
  const isOurs = (id: string): boolean => sights.get(id)?.isOurs === true;
  const measures = measure(observation, memory.measures, isOurs);
  const heard: Memory = { ...memory, ...hearing, sights, empty, measures };
  const healing = forgetPressure(observation, empty);
  if (instances === undefined) {
    const reason = 'EC2 gave no list of instances: the fleet stays as it is';
    return { actions: healing, reasons: [reason], memory: heard, situation: undefined };
  }
  const forgotten = forgetGone(heard, instances, observation, settings.BOOT_SECONDS * 1000);
  const bootMs = settings.BOOT_SECONDS * 1000;
  const young = followBirths(memory, forgotten, instances, observation, bootMs);
  const followed: Memory = { ...forgotten, births: young.births, brake: young.brake };
  const wishes = leaving(observation, instances, settings, followed);
  const ending = new Set(wishes.map(({ instanceId }) => instanceId));
  const ends = dueNow(wishes, followed.endPauses, now);
  const tidy = countUnreported(followed, ends, now);
  const fleet = fleetNow(instances, observation, tidy, ending);
  const situation = situationOf(observation, fleet, tidy);
  const wish = wishOf(policy, situation, settings);
  const spareSince = wish.kind === 'shrink' ? (memory.spareSince ?? now) : undefined;
  const growth =
    wish.kind === 'grow'
      ? grow(wish, fleet, settings, tidy, observation, young.ended.length > 0)
      : { actions: [], reasons: [] };
  const drains = wish.kind === 'shrink' ? toDrain(wish, fleet, spareSince ?? now, observation) : [];
  const names = toName(instances, tidy);
  const inquiries = young.ended.map((id) => inquiry(id, young.births));
  const actions = [...ends, ...drains, ...growth.actions, ...names, ...inquiries, ...healing];
  return {
    actions,
    reasons: [wish.reason, ...growth.reasons],
    memory: expect({ ...tidy, spareSince }, actions, now),
    situation,
  };
}

/** Launched ones that are ended since they never took work count as if they had ended by themselves. */
function countUnreported(
  memory: Memory,
  ends: readonly (Stopping | Terminating)[],
  now: number,
): Memory {
  const dead = ends.filter(({ cause, instanceId }) => {
    return cause === 'dead' && memory.births.has(instanceId);
  });
  if (dead.length === 0) return memory;
  const births = new Map(memory.births);
  for (const { instanceId } of dead) births.delete(instanceId);
  const lost = dead.map(({ instanceId }) => memory.births.get(instanceId)!);
  return { ...memory, births, brake: braked(memory.brake, lost, NEVER_REPORTED, now) };
}

function inquiry(instanceId: string, births: Memory['births']): Inquiring {
  const { number } = births.get(instanceId)!;
  const reason = 'it ended before it reported';
  return { kind: 'inquire', number, instanceId, cause: 'ended-young', reason };
}

/** Those that may be tried now; one that could not be ended waits, and still counts as leaving. */
function dueNow<One extends Terminating | Stopping>(
  wishes: readonly One[],
  pauses: Memory['endPauses'],
  now: number,
): One[] {
  return wishes.flatMap((wish) => {
    const pause = pauses.get(wish.instanceId);
    if (pause === undefined) return [wish];
    return pause.until > now ? [] : [{ ...wish, failures: pause.failures }];
  });
}

/** Those launched with others that EC2 does not show under their names yet. */
function toName(instances: readonly FleetInstance[], { names, terminations }: Memory): Naming[] {
  return instances
    .filter(
      ({ id, state, unnamed }) =>
        unnamed === true && state !== 'shutting-down' && !names.has(id) && !terminations.has(id),
    )
    .map(({ id, number }) => ({
      kind: 'name',
      number,
      instanceId: id,
      cause: 'unnamed',
      reason: 'it was launched with others',
    }));
}
