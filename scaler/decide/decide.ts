/**
 * The decision of one tick: from the observation, the settings and the memory to actions with
 * their reasons. Pure: the service and the simulator run this same function.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Action, Inquiring, Naming, Stopping, Terminating } from './actions.ts';
import { backOff, followBoots, NEVER_REPORTED } from './failed-boots.ts';
import { fleetState, forgetGone, withStarts } from './fleet-state.ts';
import { trackSilence } from './health.ts';
import { firstSightsOf, inOwnTime, late } from './launches.ts';
import { measure } from './measure.ts';
import { assumeDone, type Launch, type Memory } from './memory.ts';
import type { Observation } from './observation.ts';
import { toReplace } from './outdated.ts';
import { policies } from './policies/policies.ts';
import { type Policy, type ScalingSettings, type Situation, wishOf } from './policies/policy.ts';
import { type LeaveSettings, leaving, toDrain } from './scale-in.ts';
import { type GrowSettings, grow } from './scale-out.ts';
import { emptySince, forgetPressure, situationOf, surplusSince } from './situation.ts';

export interface Decision {
  readonly actions: readonly Action[];
  /** Why these actions, or none; the text stays the same while nothing changes. */
  readonly reasons: readonly string[];
  /** As if every action succeeds; `applyOutcomes` corrects it. */
  readonly memory: Memory;
  /** What the policy saw; undefined when EC2 gave no list. */
  readonly situation: Situation | undefined;
}

/** `places`, WARM_POOL and AMI_ID left out mean one default place, no pool and any image. */
export type DecisionSettings = ScalingSettings &
  Pick<GrowSettings, 'places' | 'WARM_POOL'> &
  Pick<LeaveSettings, 'AMI_ID'>;

/** @param policy how many instances there should be; the safety rules are the same for every policy */
export function decide(
  seen: Observation,
  settings: DecisionSettings,
  memory: Memory,
  policy: Policy = policies[settings.SCALE_POLICY],
): Decision {
  const { now } = seen;
  const firstSights = seen.instances
    ? firstSightsOf(seen.instances, memory, now)
    : memory.firstSights;
  const instances =
    seen.instances && withStarts(inOwnTime(seen.instances, firstSights), memory.starts, now);
  const observation: Observation = { ...seen, instances };
  const silence = trackSilence(observation, memory);
  const empty = emptySince(observation, memory);
  const surplus = surplusSince(observation, memory);
  const isOurs = (id: string): boolean => firstSights.get(id)?.isOurs === true;
  const measures = measure(observation, memory.measures, isOurs);
  const heard: Memory = { ...memory, ...silence, firstSights, empty, surplus, measures };
  const healing = forgetPressure(observation, heard, settings.REQUEST_SECONDS * 1000);
  if (instances === undefined) {
    const reason = 'EC2’s list of instances is unreadable: the fleet stays as it is';
    return { actions: healing, reasons: [reason], memory: heard, situation: undefined };
  }
  const forgotten = forgetGone(heard, instances, observation, settings.BOOT_SECONDS * 1000);
  const bootMs = settings.BOOT_SECONDS * 1000;
  const young = followBoots(memory, forgotten, instances, observation, bootMs);
  const followed: Memory = {
    ...forgotten,
    pendingBoots: young.pendingBoots,
    backoff: young.backoff,
  };
  const wishes = leaving(observation, instances, settings, followed);
  const ending = new Set(wishes.map(({ instanceId }) => instanceId));
  const ends = dueNow(wishes, followed.endPauses, now);
  const tidy = countUnreported(followed, ends, now);
  const fleet = fleetState(instances, observation, tidy, ending);
  const situation = situationOf(observation, fleet, tidy);
  const wish = wishOf(policy, situation, settings);
  const spareSince = wish.kind === 'shrink' ? (memory.spareSince ?? now) : undefined;
  const growth =
    wish.kind === 'grow'
      ? grow(wish, fleet, settings, tidy, observation, young.ended.length > 0)
      : { actions: [], reasons: [] };
  const drains = wish.kind === 'shrink' ? toDrain(wish, fleet, spareSince ?? now, observation) : [];
  const asked = new Set(drains.map(({ instanceId }) => instanceId));
  const replaced = toReplace(settings.AMI_ID, fleet, observation, tidy).filter(
    ({ instanceId }) => !asked.has(instanceId),
  );
  const names = toName(instances, tidy);
  const inquiries = [
    ...young.ended.map((id) => inquiry(id, young.pendingBoots)),
    ...late(fleet.missing, now).map(inquiryOfLate),
  ];
  const leavers = [...ends, ...drains, ...replaced];
  const actions = [...leavers, ...growth.actions, ...names, ...inquiries, ...healing];
  return {
    actions,
    reasons: [wish.reason, ...growth.reasons],
    memory: assumeDone({ ...tidy, spareSince }, actions, now),
    situation,
  };
}

/** Launched instances that are terminated because they never took work count as if they had ended by themselves. */
function countUnreported(
  memory: Memory,
  ends: readonly (Stopping | Terminating)[],
  now: number,
): Memory {
  const dead = ends.filter(({ cause, instanceId }) => {
    return cause === 'dead' && memory.pendingBoots.has(instanceId);
  });
  if (dead.length === 0) return memory;
  const pendingBoots = new Map(memory.pendingBoots);
  for (const { instanceId } of dead) pendingBoots.delete(instanceId);
  const lost = dead.map(({ instanceId }) => memory.pendingBoots.get(instanceId)!);
  return { ...memory, pendingBoots, backoff: backOff(memory.backoff, lost, NEVER_REPORTED, now) };
}

function inquiry(instanceId: string, pendingBoots: Memory['pendingBoots']): Inquiring {
  const { number } = pendingBoots.get(instanceId)!;
  const reason = 'it ended before it reported';
  return { kind: 'inquire', number, instanceId, cause: 'ended-young', reason };
}

function inquiryOfLate({ instanceId, number }: Launch): Inquiring {
  const reason = 'EC2 does not list it yet';
  return { kind: 'inquire', number, instanceId: instanceId!, cause: 'unlisted', reason };
}

/** Those that may be tried now; an instance that could not be ended waits, and still counts as leaving. */
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

/** Instances launched together with others that EC2 does not show under their names yet. */
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
      reason: 'it was launched together with others',
    }));
}
