/**
 * What the scaler remembers between ticks. Pure. Losing it is safe: the fleet is in EC2, what
 * instances do is in Redis.
 */
import type { Place } from '../../cloud/ec2/launch-input.ts';
import type { Action, Call } from './actions.ts';
import { type Measures, startMeasures } from './measure.ts';
import type { Closures } from './placements.ts';

/** A recent launch, which EC2's list of instances may not show yet, or not every time. */
export interface Launch {
  readonly number: number;
  readonly nonce: string;
  /** A retry sends the same call with the same token, so that it cannot launch twice. */
  readonly call: Call;
  readonly askedAt: number;
  /** Set once EC2 confirmed the launch; until then the launch may or may not have happened. */
  readonly instanceId?: string;
  /** When EC2 was last asked about its id, since it did not list it. */
  readonly inquiredAt?: number;
  /** When EC2 first listed it. */
  readonly seenAt?: number;
}

/** Instances by id, and when something was asked of them. */
export type AskedAt = ReadonlyMap<string, number>;

/** The first sight of one life of an instance: EC2 renews the launch time when it is started again. */
export interface FirstSight {
  /** As EC2 tells it; only compared with itself. */
  readonly launchedAt: number;
  /** By this controller's clock, as is `seenAt`, when it was listed last. */
  readonly at: number;
  readonly seenAt: number;
  /** This controller launched or started it, so that `at` is when it did. */
  readonly isOurs: boolean;
}

/** An instance that this controller launched and that has not taken work yet. */
export interface PendingBoot {
  readonly number: number;
  readonly place: Place;
  /** When it was launched. */
  readonly at: number;
}

/** Delays launches; undefined while launched instances report. */
export interface Backoff {
  /** Instances that ended before they reported, in a row. */
  readonly deaths: number;
  /** Failed launches of a fleet or of a single instance, in a row. */
  readonly failures: number;
  /** When the last of these was noticed, and until when nothing is launched; ms since 1970. */
  readonly since: number;
  readonly until: number;
  /** EC2's code for why the last instance ended. */
  readonly code: string;
}

export interface Pause {
  /** In a row. */
  readonly failures: number;
  /** ms since 1970. */
  readonly until: number;
}

/** Something that every reading has shown for a while. */
export interface Streak {
  /** ms since 1970. */
  readonly since: number;
  readonly readings: number;
}

export interface Memory {
  /** Random, of this one controller: makes its nonces its own. */
  readonly seed: string;
  readonly launchCount: number;
  readonly launches: readonly Launch[];
  /** Launched ones that have not taken work yet, by id. */
  readonly pendingBoots: ReadonlyMap<string, PendingBoot>;
  /** Set while launched instances end before they report. */
  readonly backoff: Backoff | undefined;
  /** Where not to launch for now. */
  readonly closures: Closures;
  readonly drains: AskedAt;
  /** EC2 may still list these as running for a while. */
  readonly terminations: AskedAt;
  readonly stops: AskedAt;
  readonly starts: AskedAt;
  /** Starts without an answer: they may run, though EC2's list does not show it yet. */
  readonly unsureStarts: AskedAt;
  readonly names: AskedAt;
  /** Instances that could not be ended: how often in a row, and when it may be tried again. */
  readonly endPauses: ReadonlyMap<string, Pause>;
  /** EC2 does not stop these; they are terminated instead. */
  readonly unstoppable: ReadonlySet<string>;
  /** Starts that failed in a row, and when the next may be tried. */
  readonly startPause: Pause;
  /** When each instance was first listed, by this controller's clock. */
  readonly firstSights: ReadonlyMap<string, FirstSight>;
  /** When each listed instance last reported, by this scaler's clock. */
  readonly lastHeardAt: AskedAt;
  /** Time from which an instance's silence counts: before it, Redis was unreachable or new to this scaler. */
  readonly silenceCountsFrom: number | undefined;
  /** Every lease was missing at the last reading. */
  readonly allSilent: boolean;
  /** Since when, and in how many readings, nothing was queued or in any instance's hands. */
  readonly empty: Streak | undefined;
  /** Since when, and in how many readings, Redis counted more requests than there can be. */
  readonly surplus: Streak | undefined;
  readonly measures: Measures;
  /** Since when the policy has continuously wanted a smaller fleet. */
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
    pendingBoots: new Map(),
    backoff: undefined,
    closures: new Map(),
    drains: new Map(),
    terminations: new Map(),
    stops: new Map(),
    starts: new Map(),
    unsureStarts: new Map(),
    names: new Map(),
    endPauses: new Map(),
    unstoppable: new Set(),
    startPause: { failures: 0, until: 0 },
    firstSights: new Map(),
    lastHeardAt: new Map(),
    silenceCountsFrom: undefined,
    allSilent: false,
    empty: undefined,
    surplus: undefined,
    measures,
    spareSince: undefined,
  };
}

/** Records actions as if all of them succeed. */
export function assumeDone(memory: Memory, actions: readonly Action[], now: number): Memory {
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
    if (action.kind === 'inquire') {
      const asked = [...launches.values()].find(
        ({ instanceId }) => instanceId === action.instanceId,
      );
      if (asked) launches.set(asked.nonce, { ...asked, inquiredAt: now });
      continue;
    }
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
      // Requests from before the start no longer apply.
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
