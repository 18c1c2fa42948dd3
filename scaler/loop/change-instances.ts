/**
 * Terminates, stops and starts instances: all in one call, and one by one after a refusal, since EC2
 * refuses the whole call when it refuses one instance. Never throws.
 */
import pLimit from 'p-limit';
import type { Fleet } from '../../cloud/ec2/instances.ts';
import type { Leases } from '../../cloud/redis/leases.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Starting, Stopping, Terminating } from '../decide/actions.ts';
import type { Outcome } from '../decide/outcomes.ts';
import { readError } from '../decide/placements.ts';
import { withTimeout } from './outages.ts';

/** EC2 answers within seconds; a call that takes longer is repeated. */
export const CALL_MS = 15_000;
const CALLS_AT_ONCE = 5;

interface ChangeParts {
  readonly fleet: Fleet;
  readonly leases: Leases;
  readonly log: Logger;
}

export async function end(
  how: 'terminate' | 'stop',
  actions: readonly (Terminating | Stopping)[],
  { fleet, leases, log }: ChangeParts,
): Promise<Outcome[]> {
  if (actions.length === 0) return [];
  const failed = new Set(
    actions.filter(({ failures = 0 }) => failures > 0).map((one) => one.instanceId),
  );
  const { done, failures } = await change(
    actions.map(({ instanceId }) => instanceId),
    (ids) => fleet[how](ids),
  );
  for (const { ids, err } of failures) {
    // Warned of once for each instance: it may go on for hours.
    const level = ids.every((id) => failed.has(id)) ? 'debug' : 'warn';
    log[level]({ err, instances: ids }, `Cannot ${how} instances; retrying`);
  }
  // A lease that stays expires.
  await Promise.allSettled(done.map((id) => leases.forget(id)));
  return failures.map(({ ids, err }) => ({
    kind: `${how}-failed`,
    instanceIds: ids,
    ...readError(err),
  }));
}

/**
 * Drain requests and leases from before the stop are deleted first: the instances would drain again at once.
 * @param mayStart whether this scaler still leads
 */
export async function start(
  actions: readonly Starting[],
  { fleet, leases, log }: ChangeParts,
  mayStart: () => boolean,
): Promise<Outcome[]> {
  if (actions.length === 0) return [];
  const instanceIds = actions.map(({ instanceId }) => instanceId);
  if (!mayStart()) return [{ kind: 'start-failed', instanceIds }];
  try {
    await Promise.all(instanceIds.map((id) => leases.forget(id)));
  } catch (err) {
    log.warn({ err, instances: instanceIds }, 'Cannot start instances; backing off');
    return [{ kind: 'start-failed', instanceIds }];
  }
  const { done, failures } = await change(instanceIds, (ids) => fleet.start(ids));
  const failed = failures.flatMap(({ ids }) => ids);
  const [first] = failures;
  if (first !== undefined) {
    const { err } = first;
    log.warn({ err, instances: failed }, 'Cannot start instances; backing off');
  }
  return [
    ...(done.length === 0 ? [] : [{ kind: 'started', instanceIds: done } as const]),
    // One failure of the tick, however many instances it affects.
    ...(first === undefined
      ? []
      : [{ kind: 'start-failed', instanceIds: failed, ...readError(first.err) } as const]),
  ];
}

interface Changed {
  readonly done: readonly string[];
  readonly failures: readonly { readonly ids: readonly string[]; readonly err: unknown }[];
}

async function change(
  ids: readonly string[],
  call: (ids: readonly string[]) => Promise<void>,
): Promise<Changed> {
  try {
    await withTimeout(CALL_MS, call(ids));
    return { done: ids, failures: [] };
  } catch (err) {
    if (ids.length === 1 || !readError(err).refused) return { done: [], failures: [{ ids, err }] };
  }
  const limit = pLimit(CALLS_AT_ONCE);
  const singly = await Promise.all(ids.map((id) => limit(() => change([id], call))));
  return {
    done: singly.flatMap(({ done }) => done),
    failures: singly.flatMap(({ failures }) => failures),
  };
}
