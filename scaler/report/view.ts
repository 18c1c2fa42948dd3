/** What the scaler's loop shows of itself at any time: status, metrics and the web page are made from it. */
import type { Action } from '../decide/actions.ts';
import type { Backoff } from '../decide/memory.ts';
import type { Observation } from '../decide/observation.ts';
import type { Closures } from '../decide/placements/placements.ts';
import type { Situation } from '../decide/policies/policy.ts';
import type { Tally } from './tally.ts';

/**
 * `leader`: it has the lock. `alone`: it had it, Redis has been away since, and no scaler can know which one
 * leads: it may only do what is safe without Redis. `waiting`: between the two. `standby`: another leads.
 */
export type Role = 'leader' | 'alone' | 'waiting' | 'standby';

export interface MadeDecision {
  /** ms since 1970. */
  readonly at: number;
  readonly actions: readonly Action[];
  readonly reasons: readonly string[];
  /** What the policy saw. */
  readonly situation: Situation | undefined;
  /** Instances that EC2 refused, by its code. */
  readonly refusals: ReadonlyMap<string, number>;
}

/** What the loop shows of itself at any time. */
export interface LoopView {
  readonly role: Role;
  /** A scaler with another Redis leads the project. */
  readonly hasRival: boolean;
  /** ms since 1970. */
  readonly now: number;
  /** Of the last look; undefined while another scaler leads. */
  readonly seen:
    | {
        readonly observation: Observation;
        readonly situation: Situation | undefined;
        readonly reasons: readonly string[];
      }
    | undefined;
  readonly closures: Closures;
  /** There while launched instances end before they report. */
  readonly backoff: Backoff | undefined;
  readonly tally: Tally;
  /** The last that changed something, oldest first. */
  readonly decisions: readonly MadeDecision[];
}
