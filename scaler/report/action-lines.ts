/** Actions as lines of the log. Pure. */
import { instanceName } from '../../cloud/names.ts';
import type { Action } from '../decide/actions.ts';

/** One line for all that is done for one reason. */
export function actionLines(actions: readonly Action[]): string[] {
  const groups = new Map<string, { kind: Action['kind']; reason: string; names: string[] }>();
  for (const action of actions) {
    const { kind, reason } = action;
    const key = `${kind} ${reason}`;
    const group = groups.get(key) ?? { kind, reason, names: [] };
    group.names.push(
      action.kind === 'forget-pressure'
        ? `before ${new Date(action.before).toISOString()}`
        : instanceName(action.number),
    );
    groups.set(key, group);
  }
  return [...groups.values()].map(
    ({ kind, reason, names }) => `${WORDS[kind]} ${names.join(', ')}: ${reason}`,
  );
}

const WORDS = {
  launch: 'launching',
  drain: 'asking to drain:',
  terminate: 'terminating',
  stop: 'stopping',
  start: 'starting',
  name: 'naming',
  inquire: 'asking EC2 about',
  'forget-pressure': 'forgetting pressure',
} as const satisfies Record<Action['kind'], string>;
