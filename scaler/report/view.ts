/**
 * What the scaler’s loop shows of itself at any time: what it saw, its decisions, the counts of its actions,
 * and those actions in words. Its status, metrics, log and the web page are made from it. Pure.
 */

import { instanceName, writeNumbers } from '../../cloud/contract/names.ts';
import type { Action, ActionKind, Cause } from '../decide/actions.ts';
import type { Backoff } from '../decide/memory.ts';
import type { Observation } from '../decide/observation.ts';
import type { Outcome } from '../decide/outcomes.ts';
import type { Closures } from '../decide/placements.ts';
import type { Situation } from '../decide/policies/policy.ts';

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

export class Tally {
  /** Series that an alert counts exist from the start: a series that starts at 20 has not increased. */
  readonly decided = new Map<`${ActionKind} ${Cause}`, number>([['terminate dead', 0]]);
  /** Launches and starts that EC2 refused, by its code. */
  readonly refused = new Map<string, number>();
  launched = 0;

  count(actions: readonly Action[], outcomes: readonly Outcome[]): void {
    for (const action of actions) {
      // A retry is not a new decision.
      if ('failures' in action) continue;
      add(this.decided, `${action.kind} ${action.cause}`, 1);
    }
    for (const outcome of outcomes) {
      if (outcome.kind === 'launched') this.launched += 1;
    }
    for (const [code, count] of refusals(outcomes)) add(this.refused, code, count);
  }
}

/** Instances that were refused, by EC2's code, or `NoAnswer`. */
export function refusals(outcomes: readonly Outcome[]): Map<string, number> {
  const codes = new Map<string, number>();
  for (const outcome of outcomes) {
    const count = outcome.kind === 'launch-failed' ? 1 : 0;
    if (count > 0 && 'code' in outcome) add(codes, outcome.code ?? 'NoAnswer', count);
    if (outcome.kind === 'start-failed') {
      add(codes, outcome.code ?? 'NoAnswer', outcome.instanceIds.length);
    }
  }
  return codes;
}

function add<Key>(counts: Map<Key, number>, key: Key, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** All actions of one kind that are done for one reason. */
export interface ActionLine {
  /** e.g. `launch app-tier-instances 1-3` */
  readonly what: string;
  readonly reason: string;
}

const VERBS = {
  launch: 'launch',
  drain: 'drain',
  terminate: 'terminate',
  stop: 'stop',
  start: 'start',
  name: 'name',
  inquire: 'ask EC2 about',
  'forget-pressure': 'forget',
} as const satisfies Record<Action['kind'], string>;

export function linesOf(actions: readonly Action[]): ActionLine[] {
  return byReason(actions).map((group) => {
    const { kind, reason } = group[0]!;
    return { what: `${VERBS[kind]} ${subjectsOf(group)}`, reason };
  });
}

/** Actions of one kind and reason together, in the order of the first of each. */
export function byReason<One extends { readonly kind: string; readonly reason: string }>(
  actions: readonly One[],
): One[][] {
  return [...Map.groupBy(actions, ({ kind, reason }) => `${kind} ${reason}`).values()];
}

/** What one action is about. */
export function subjectOf(action: Action): string {
  return action.kind === 'forget-pressure'
    ? `requests before ${new Date(action.before).toISOString()}`
    : instanceName(action.number);
}

function subjectsOf(actions: readonly Action[]): string {
  const numbers = actions
    .flatMap((action) => ('number' in action ? [action.number] : []))
    .sort((a, b) => a - b);
  if (numbers.length > 1) return `app-tier-instances ${writeNumbers(numbers)}`;
  return numbers.length === 1 ? instanceName(numbers[0]!) : 'requests that are gone';
}
