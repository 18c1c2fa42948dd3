/** The actions of a decision. Data only; `loop/act.ts` carries them out. */
import type { Place } from '../../cloud/ec2/launch-input.ts';

/** One call of RunInstances; asked again with the same parts, it launches once. */
export interface Call {
  /** Goes into the ClientToken. */
  readonly nonce: string;
  /** Ascending. */
  readonly numbers: readonly number[];
  readonly place: Place;
}

/** The few kinds of reasons that measurements count by; `reason` says it in words. */
export type Cause =
  /** A policy wants more, or MIN_INSTANCES does. */
  | 'demand'
  | 'smallest-fleet'
  /** Idle for long enough and not needed; has drained since. */
  | 'spare'
  | 'drained'
  /** Silent, or never up. */
  | 'dead'
  /** It ended by itself before it took work. */
  | 'ended-young'
  /** Launched, and not listed yet: it may have ended already. */
  | 'unlisted'
  /** The warm pool has too many, or one that cannot be started. */
  | 'warm-pool'
  /** Launched with others, and not named yet. */
  | 'unnamed'
  /** Launched from an earlier image. */
  | 'outdated'
  /** Pressure of requests that no longer exist. */
  | 'lost';

export interface Launching {
  readonly kind: 'launch';
  readonly number: number;
  /** Of this one launch; the first of a call is the call's. */
  readonly nonce: string;
  /** The call it is part of: those with the same one are launched together. */
  readonly call: Call;
  readonly cause: Cause;
  readonly reason: string;
}

interface OnInstance {
  readonly number: number;
  readonly instanceId: string;
  readonly cause: Cause;
  readonly reason: string;
}

/** Asks an instance to drain: it finishes its requests and then reports that it has drained. */
export interface Draining extends OnInstance {
  readonly kind: 'drain';
}

interface Ending extends OnInstance {
  /** How often this has failed already; left out when it is the first try. */
  readonly failures?: number;
}

export interface Terminating extends Ending {
  readonly kind: 'terminate';
}

/** Puts a drained one into the warm pool. */
export interface Stopping extends Ending {
  readonly kind: 'stop';
}

/** Takes one out of the warm pool. */
export interface Starting extends OnInstance {
  readonly kind: 'start';
}

/** Writes the number of one that was launched with others into its Name. */
export interface Naming extends OnInstance {
  readonly kind: 'name';
}

/** Asks EC2 why one that was launched ended before it took work. */
export interface Inquiring extends OnInstance {
  readonly kind: 'inquire';
}

export interface Forgetting {
  readonly kind: 'forget-pressure';
  /** Requests that came at least this many ms ago … */
  readonly olderThanMs: number;
  /** … which is before this time, in ms since 1970. */
  readonly before: number;
  readonly cause: Cause;
  readonly reason: string;
}

export type Action =
  | Launching
  | Draining
  | Terminating
  | Stopping
  | Starting
  | Naming
  | Inquiring
  | Forgetting;

export type ActionKind = Action['kind'];
