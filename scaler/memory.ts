/**
 * What the scaler must remember between ticks, and how it learns from what its actions came to. Pure.
 * Losing it is safe: the fleet is in EC2, what instances do is in Redis.
 */
import type { Action } from './actions.ts';
import { type Measures, startMeasures } from './measure.ts';

/** A recent launch, which EC2's list of instances may not show yet, or not every time. */
export interface Launch {
  readonly number: number;
  /** Part of the ClientToken: a retry sends the same one, so that it cannot launch twice. */
  readonly nonce: string;
  readonly askedAt: number;
  /** EC2 said yes; while undefined and not under way, whether it launched is not known. */
  readonly instanceId?: string;
  /** When EC2 first listed it. */
  readonly seenAt?: number;
}

export interface Backoff {
  /** Launches that failed in a row, counted by tick. */
  readonly failures: number;
  /** No launch before this time. */
  readonly until: number;
}

export interface Memory {
  /** Random, of this one controller: makes its nonces its own. */
  readonly seed: string;
  readonly launchCount: number;
  readonly launches: readonly Launch[];
  readonly backoff: Backoff;
  /** Instances asked to drain, and when. */
  readonly drains: ReadonlyMap<string, number>;
  /** Instances whose termination was asked for, and when: EC2 may list them a while as if it were not. */
  readonly terminations: ReadonlyMap<string, number>;
  /** When each listed instance last said a word, by this controller's clock. */
  readonly lastWords: ReadonlyMap<string, number>;
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
    backoff: { failures: 0, until: 0 },
    drains: new Map(),
    terminations: new Map(),
    lastWords: new Map(),
    silenceCountsFrom: undefined,
    allSilent: false,
    empty: undefined,
    measures,
    spareSince: undefined,
  };
}

/** Takes note of actions as if every one succeeds. */
export function expect(memory: Memory, actions: readonly Action[], now: number): Memory {
  if (actions.length === 0) return memory;
  const drains = new Map(memory.drains);
  const terminations = new Map(memory.terminations);
  const launches = new Map(memory.launches.map((launch) => [launch.nonce, launch]));
  let { launchCount } = memory;
  for (const action of actions) {
    if (action.kind === 'drain') drains.set(action.instanceId, now);
    else if (action.kind === 'terminate') terminations.set(action.instanceId, now);
    else if (action.kind === 'launch') {
      const { number, nonce } = action;
      if (!launches.has(nonce)) launchCount += 1;
      launches.set(nonce, { number, nonce, askedAt: now });
    }
  }
  return { ...memory, drains, terminations, launches: [...launches.values()], launchCount };
}

/** What became of one action that matters for the next decision. */
export type Outcome =
  | { readonly kind: 'launched'; readonly nonce: string; readonly instanceId: string }
  | {
      readonly kind: 'launch-failed';
      readonly nonce: string;
      /** EC2 refused; otherwise (no answer, an error of its own) it may have launched all the same. */
      readonly refused: boolean;
    }
  | { readonly kind: 'drain-failed'; readonly instanceId: string }
  | { readonly kind: 'terminate-failed'; readonly instanceIds: readonly string[] };

const FIRST_BACKOFF_MS = 1000;
/** EC2 refills its request limit by two a second; capacity takes longer to come back. */
const MOST_BACKOFF_MS = 60_000;

/** Corrects what `expect` took for granted. Failed drains and terminations are forgotten, so that the next tick asks again. */
export function learn(memory: Memory, outcomes: readonly Outcome[], now: number): Memory {
  const drains = new Map(memory.drains);
  const terminations = new Map(memory.terminations);
  const launches = new Map(memory.launches.map((launch) => [launch.nonce, launch]));
  let failed = false;
  let launched = false;
  for (const outcome of outcomes) {
    if (outcome.kind === 'drain-failed') drains.delete(outcome.instanceId);
    else if (outcome.kind === 'terminate-failed') {
      for (const id of outcome.instanceIds) terminations.delete(id);
    } else if (outcome.kind === 'launched') {
      launched = true;
      const launch = launches.get(outcome.nonce);
      // Counted from the answer: a slow call must not shorten the time that EC2 has to list it.
      if (launch) {
        launches.set(outcome.nonce, {
          ...launch,
          askedAt: now,
          instanceId: outcome.instanceId,
        });
      }
    } else {
      failed = true;
      if (outcome.refused) launches.delete(outcome.nonce);
    }
  }
  return {
    ...memory,
    drains,
    terminations,
    launches: [...launches.values()],
    backoff: nextBackoff(memory.backoff, { failed, launched }, now),
  };
}

function nextBackoff(
  backoff: Backoff,
  { failed, launched }: { failed: boolean; launched: boolean },
  now: number,
): Backoff {
  if (!failed) return launched ? { failures: 0, until: 0 } : backoff;
  const failures = backoff.failures + 1;
  const pause = Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
  return { failures, until: now + pause };
}
