/** Corrects the scaler's memory by the outcomes of its actions. Pure. */
import type { InstanceState } from '../../cloud/ec2/instances.ts';
import { backOff } from './failed-boots.ts';
import type { Memory, Pause, PendingBoot } from './memory.ts';
import { isUp } from './observation.ts';
import { close, delayOf, isOfTheMarket, placeName, refusalOf, reopen } from './placements.ts';

const SECOND = 1000;

/** The outcome of one action, where it matters for the next decision. */
export type Outcome =
  | { readonly kind: 'launched'; readonly nonce: string; readonly instanceId: string }
  | {
      readonly kind: 'launch-failed';
      readonly nonce: string;
      /** EC2 refused; otherwise (no answer, an error of its own) it may have launched all the same. */
      readonly refused: boolean;
      /** EC2's code; undefined without an answer. */
      readonly code?: string | undefined;
    }
  /** What EC2 says of one that is gone, or seemed so; nothing when it does not know it or gave no answer. */
  | {
      readonly kind: 'ended';
      readonly instanceId: string;
      readonly state?: InstanceState;
      readonly code?: string;
    }
  /** It was not sent, since another scaler may lead by now. */
  | { readonly kind: 'not-launched'; readonly nonce: string }
  | { readonly kind: 'named'; readonly instanceId: string }
  | { readonly kind: 'started'; readonly instanceIds: readonly string[] }
  | {
      readonly kind: 'drain-failed' | 'terminate-failed' | 'stop-failed' | 'start-failed';
      readonly instanceIds: readonly string[];
      /** EC2 answered no, and would again. */
      readonly refused?: boolean;
      readonly code?: string | undefined;
    };

/**
 * Corrects what `assumeDone` assumed. Failed actions are forgotten, so that the next tick repeats them;
 * launches and starts wait first.
 * @param random from 0 to 1; shortens waiting by up to half
 */
export function applyOutcomes(
  memory: Memory,
  outcomes: readonly Outcome[],
  now: number,
  random: () => number = () => 0,
): Memory {
  if (outcomes.length === 0) return memory;
  const drains = new Map(memory.drains);
  const terminations = new Map(memory.terminations);
  const stops = new Map(memory.stops);
  const starts = new Map(memory.starts);
  const unsureStarts = new Map(memory.unsureStarts);
  const names = new Map(memory.names);
  const unstoppable = new Set(memory.unstoppable);
  const endPauses = new Map(memory.endPauses);
  let { startPause } = memory;
  for (const outcome of outcomes) {
    if (outcome.kind === 'named') names.set(outcome.instanceId, now);
    if (outcome.kind === 'started') startPause = { failures: 0, until: 0 };
    if (!('instanceIds' in outcome) || outcome.kind === 'started') continue;
    for (const id of outcome.instanceIds) {
      if (outcome.kind === 'drain-failed') drains.delete(id);
      if (outcome.kind === 'terminate-failed') terminations.delete(id);
      if (outcome.kind === 'start-failed') starts.delete(id);
      if (outcome.kind === 'start-failed' && outcome.refused !== true) unsureStarts.set(id, now);
      if (outcome.kind === 'stop-failed') stops.delete(id);
      if (outcome.kind === 'stop-failed' && outcome.refused) {
        unstoppable.add(id);
      } else if (outcome.kind === 'terminate-failed' || outcome.kind === 'stop-failed') {
        endPauses.set(id, endPause(endPauses.get(id), outcome.refused === true, now));
      }
    }
  }
  // Starts that fail in one tick are one failure.
  const failedStart = outcomes.find(({ kind }) => kind === 'start-failed');
  if (failedStart !== undefined) {
    const failures = startPause.failures + 1;
    const code = 'code' in failedStart ? failedStart.code : undefined;
    startPause = { failures, until: now + delayOf(refusalOf(code), failures) * (1 - random() / 2) };
  }
  return {
    ...memory,
    drains,
    terminations,
    stops,
    starts,
    unsureStarts,
    names,
    endPauses,
    unstoppable,
    startPause,
    ...learnDeaths(learnLaunches(memory, outcomes, now, random), outcomes, now, random),
  };
}

type Launched = Pick<Memory, 'launches' | 'closures' | 'pendingBoots' | 'backoff'>;

/** A spot market that takes an instance back, or has no capacity after all, says nothing about the image. */
function learnDeaths(
  memory: Launched,
  outcomes: readonly Outcome[],
  now: number,
  random: () => number,
): Launched {
  const pendingBoots = new Map(memory.pendingBoots);
  let { closures, launches } = memory;
  const dead: PendingBoot[] = [];
  let code = 'NoReason';
  for (const outcome of outcomes) {
    const birth = outcome.kind === 'ended' ? pendingBoots.get(outcome.instanceId) : undefined;
    if (outcome.kind !== 'ended' || birth === undefined) continue;
    if (outcome.state !== undefined && isUp(outcome.state)) continue;
    // EC2 may not know a new one yet.
    if (
      outcome.state === undefined &&
      launches.some(({ instanceId }) => instanceId === outcome.instanceId)
    )
      continue;
    launches = launches.filter(({ instanceId }) => instanceId !== outcome.instanceId);
    pendingBoots.delete(outcome.instanceId);
    if (outcome.code !== undefined && isOfTheMarket(outcome.code)) {
      closures = close(closures, birth.place, outcome.code, { now, random: random() });
      continue;
    }
    dead.push(birth);
    code = outcome.code ?? code;
  }
  return {
    ...memory,
    launches,
    pendingBoots,
    closures,
    backoff: backOff(memory.backoff, dead, code, now),
  };
}

/** A refusal mostly repeats itself; a call without an answer is repeated at once, the first time. */
function endPause(before: Pause | undefined, refused: boolean, now: number): Pause {
  const failures = (before?.failures ?? 0) + 1;
  const [shortest, longest] = refused ? [SECOND, 300 * SECOND] : [0, 30 * SECOND];
  const doubled = SECOND * 2 ** Math.min(failures - 1, 10) - SECOND;
  return { failures, until: now + Math.min(longest, shortest + doubled) };
}

function learnLaunches(
  memory: Memory,
  outcomes: readonly Outcome[],
  now: number,
  random: () => number,
): Launched {
  const pendingBoots = new Map(memory.pendingBoots);
  const launches = new Map(memory.launches.map((launch) => [launch.nonce, launch]));
  let { closures } = memory;
  for (const outcome of outcomes) {
    const launch = 'nonce' in outcome ? launches.get(outcome.nonce) : undefined;
    if (launch === undefined) continue;
    if (outcome.kind === 'not-launched') launches.delete(launch.nonce);
    if (outcome.kind !== 'launched') continue;
    closures = reopen(closures, launch.call.place);
    // Counted from the answer: a slow call must not shorten the time that EC2 has to list it.
    const { number, call, nonce } = launch;
    launches.set(nonce, { ...launch, askedAt: now, instanceId: outcome.instanceId });
    pendingBoots.set(outcome.instanceId, { number, place: call.place, at: now });
  }
  const told = new Set<string>();
  for (const outcome of outcomes) {
    if (outcome.kind !== 'launch-failed') continue;
    const { nonce, refused, code } = outcome;
    const launch = launches.get(nonce);
    if (launch === undefined) continue;
    if (refused) launches.delete(nonce);
    // Many launches of one place that fail for one reason are one failure.
    const failure = `${code} ${placeName(launch.call.place)}`;
    if (told.has(failure)) continue;
    told.add(failure);
    closures = close(closures, launch.call.place, code, { now, random: random() });
  }
  return { launches: [...launches.values()], closures, pendingBoots, backoff: memory.backoff };
}
