/**
 * What the scaler must remember between ticks, and how it learns from what its actions came to. Pure.
 * Losing it is safe: the fleet is in EC2, what instances do is in Redis.
 */
import type { Action, Call } from './actions.ts';
import { type Measures, startMeasures } from './measure.ts';
import { type Closures, close, reopen } from './places.ts';
import { delayOf, refusalOf } from './refusals.ts';

/** A recent launch, which EC2's list of instances may not show yet, or not every time. */
export interface Launch {
  readonly number: number;
  readonly nonce: string;
  /** A retry sends the same call with the same token, so that it cannot launch twice. */
  readonly call: Call;
  readonly askedAt: number;
  /** EC2 said yes; while undefined and not under way, whether it launched is not known. */
  readonly instanceId?: string;
  /** When EC2 first listed it. */
  readonly seenAt?: number;
}

/** Instances by id, and when something was asked of them. */
export type AskedAt = ReadonlyMap<string, number>;

export interface Memory {
  /** Random, of this one controller: makes its nonces its own. */
  readonly seed: string;
  readonly launchCount: number;
  readonly launches: readonly Launch[];
  /** Where not to launch for now. */
  readonly closures: Closures;
  readonly drains: AskedAt;
  /** EC2 may list these a while as if it were not so. */
  readonly terminations: AskedAt;
  readonly stops: AskedAt;
  readonly starts: AskedAt;
  readonly names: AskedAt;
  /** EC2 does not stop these; they are terminated instead. */
  readonly unstoppable: ReadonlySet<string>;
  /** Starts that failed in a row, and when the next may be tried. */
  readonly startPause: { readonly failures: number; readonly until: number };
  /** When each listed instance last said a word, by this controller's clock. */
  readonly lastWords: AskedAt;
  /** From when on an instance's silence counts: Redis was away or new to this controller before. */
  readonly silenceCountsFrom: number | undefined;
  /** Every lease was missing at the last reading. */
  readonly allSilent: boolean;
  /** Since when, and in how many readings, nothing was queued or in any instance's hands. */
  readonly empty: { readonly since: number; readonly readings: number } | undefined;
  readonly measures: Measures;
  /** Since when the policy has wished to shrink, without a break. */
  readonly spareSince: number | undefined;
}

/**
 * @param seed at most 8 letters or digits; random in production
 * @param measures what is known of the load already
 */
export function startMemory(seed: string, measures: Measures = startMeasures()): Memory {
  return {
    seed,
    launchCount: 0,
    launches: [],
    closures: new Map(),
    drains: new Map(),
    terminations: new Map(),
    stops: new Map(),
    starts: new Map(),
    names: new Map(),
    unstoppable: new Set(),
    startPause: { failures: 0, until: 0 },
    lastWords: new Map(),
    silenceCountsFrom: undefined,
    allSilent: false,
    empty: undefined,
    measures,
    spareSince: undefined,
  };
}

/** What became of one action that matters for the next decision. */
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

/** Takes note of actions as if every one succeeds. */
export function expect(memory: Memory, actions: readonly Action[], now: number): Memory {
  if (actions.length === 0) return memory;
  const asked = {
    drain: new Map(memory.drains),
    terminate: new Map(memory.terminations),
    stop: new Map(memory.stops),
    start: new Map(memory.starts),
    name: new Map(memory.names),
  };
  const launches = new Map(memory.launches.map((launch) => [launch.nonce, launch]));
  let { launchCount } = memory;
  for (const action of actions) {
    if (action.kind === 'forget-pressure') continue;
    if (action.kind === 'launch') {
      const { number, nonce, call } = action;
      if (!launches.has(nonce)) launchCount += 1;
      launches.set(nonce, { number, nonce, call, askedAt: now });
      continue;
    }
    const { kind, instanceId } = action;
    asked[kind].set(instanceId, now);
    if (kind === 'stop') asked.start.delete(instanceId);
    if (kind === 'start') {
      // It begins anew: nothing that was asked of its earlier life holds.
      for (const earlier of ['stop', 'drain'] as const) asked[earlier].delete(instanceId);
    }
  }
  return {
    ...memory,
    drains: asked.drain,
    terminations: asked.terminate,
    stops: asked.stop,
    starts: asked.start,
    names: asked.name,
    launches: [...launches.values()],
    launchCount,
  };
}

/**
 * Corrects what `expect` took for granted. What failed is forgotten, so that the next tick asks again;
 * launches and starts wait before.
 * @param random from 0 to 1; shortens waiting by up to half
 */
export function learn(
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
  const names = new Map(memory.names);
  const unstoppable = new Set(memory.unstoppable);
  let { startPause } = memory;
  for (const outcome of outcomes) {
    if (outcome.kind === 'named') names.set(outcome.instanceId, now);
    if (outcome.kind === 'started') startPause = { failures: 0, until: 0 };
    if (!('instanceIds' in outcome) || outcome.kind === 'started') continue;
    for (const id of outcome.instanceIds) {
      if (outcome.kind === 'drain-failed') drains.delete(id);
      if (outcome.kind === 'terminate-failed') terminations.delete(id);
      if (outcome.kind === 'start-failed') starts.delete(id);
      if (outcome.kind !== 'stop-failed') continue;
      stops.delete(id);
      if (outcome.refused) unstoppable.add(id);
    }
    if (outcome.kind !== 'start-failed') continue;
    const failures = startPause.failures + 1;
    const delay = delayOf(refusalOf(outcome.code), failures) * (1 - random() / 2);
    startPause = { failures, until: now + delay };
  }
  return {
    ...memory,
    drains,
    terminations,
    stops,
    starts,
    names,
    unstoppable,
    startPause,
    ...learnLaunches(memory, outcomes, now, random),
  };
}

function learnLaunches(
  memory: Memory,
  outcomes: readonly Outcome[],
  now: number,
  random: () => number,
): Pick<Memory, 'launches' | 'closures'> {
  const launches = new Map(memory.launches.map((launch) => [launch.nonce, launch]));
  let { closures } = memory;
  for (const outcome of outcomes) {
    const launch = 'nonce' in outcome ? launches.get(outcome.nonce) : undefined;
    if (launch === undefined) continue;
    if (outcome.kind === 'not-launched') launches.delete(launch.nonce);
    if (outcome.kind !== 'launched') continue;
    closures = reopen(closures, launch.call.place);
    // Counted from the answer: a slow call must not shorten the time that EC2 has to list it.
    launches.set(launch.nonce, { ...launch, askedAt: now, instanceId: outcome.instanceId });
  }
  const told = new Set<string | undefined>();
  for (const outcome of outcomes) {
    if (outcome.kind !== 'launch-failed') continue;
    const { nonce, refused, code } = outcome;
    const launch = launches.get(nonce);
    if (launch === undefined) continue;
    if (refused) launches.delete(nonce);
    // Many launches that fail for one reason are one failure.
    if (told.has(code)) continue;
    told.add(code);
    closures = close(closures, launch.call.place, code, { now, random: random() });
  }
  return { launches: [...launches.values()], closures };
}
