/** Counts a scaler's actions since it started. Knows no format. */
import type { Action, ActionKind, Cause } from '../decide/actions.ts';
import type { Outcome } from '../decide/outcomes.ts';

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
