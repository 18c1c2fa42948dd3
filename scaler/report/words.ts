/** The scaler's actions in words, for its log, its status and the web page. Pure. */
import { instanceName, writeNumbers } from '../../cloud/contract/names.ts';
import type { Action } from '../decide/actions.ts';

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
