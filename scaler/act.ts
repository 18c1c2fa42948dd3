/** Carries out what was decided, and tells what came of it. Decides nothing; never throws. */
import pLimit from 'p-limit';
import type { Fleet } from '../cloud/instances.ts';
import type { Leases } from '../cloud/leases.ts';
import { instanceName } from '../cloud/names.ts';
import type { Pressure } from '../cloud/pressure.ts';
import type { Logger } from '../runtime/log.ts';
import type { Action, Draining, Forgetting, Launching, Terminating } from './actions.ts';
import type { Outcome } from './memory.ts';
import { within } from './outages.ts';

/** EC2 answers RunInstances within seconds; what takes longer is asked again with the same token. */
const CALL_MS = 15_000;
const LAUNCHES_AT_ONCE = 10;

export interface ActParts {
  readonly projectId: string;
  readonly fleet: Fleet;
  readonly leases: Leases;
  readonly pressure: Pressure;
  readonly log: Logger;
}

export async function act(actions: readonly Action[], parts: ActParts): Promise<Outcome[]> {
  const launchLimit = pLimit(LAUNCHES_AT_ONCE);
  const terminations = actions.filter((action) => action.kind === 'terminate');
  const outcomes = await Promise.all([
    terminate(terminations, parts),
    ...actions.map(async (action) => {
      if (action.kind === 'launch') return launchLimit(() => launch(action, parts));
      if (action.kind === 'drain') return drain(action, parts);
      if (action.kind === 'forget-pressure') return forget(action, parts);
      return undefined;
    }),
  ]);
  return outcomes.filter((outcome) => outcome !== undefined);
}

/** The same project, number and nonce give the same ClientToken (EC2 takes up to 64 characters). */
async function launch(
  { number, nonce }: Launching,
  { fleet, projectId, log }: ActParts,
): Promise<Outcome> {
  const token = `${projectId}-${number}-${nonce}`;
  try {
    const { id } = await within(CALL_MS, fleet.launch(number, token));
    log.info({ instance: id, token }, `${instanceName(number)} is launched`);
    return { kind: 'launched', nonce, instanceId: id };
  } catch (err) {
    const refused = isRefusal(err);
    const after = refused ? 'it was refused' : 'whether it was launched is not known';
    log.warn(
      { err, token },
      `${instanceName(number)} could not be launched: ${after}; backing off`,
    );
    return { kind: 'launch-failed', nonce, refused };
  }
}

async function drain(
  { instanceId, number }: Draining,
  { leases, log }: ActParts,
): Promise<Outcome | undefined> {
  try {
    await leases.askToDrain(instanceId);
    return undefined;
  } catch (err) {
    log.warn({ err, instance: instanceId }, `${instanceName(number)} could not be asked to drain`);
    return { kind: 'drain-failed', instanceId };
  }
}

async function terminate(
  terminations: readonly Terminating[],
  { fleet, leases, log }: ActParts,
): Promise<Outcome | undefined> {
  if (terminations.length === 0) return undefined;
  const instanceIds = terminations.map(({ instanceId }) => instanceId);
  try {
    await within(CALL_MS, fleet.terminate(instanceIds));
  } catch (err) {
    log.warn({ err, instances: instanceIds }, 'instances could not be terminated; trying again');
    return { kind: 'terminate-failed', instanceIds };
  }
  // A lease that stays ends by itself.
  await Promise.allSettled(instanceIds.map((id) => leases.forget(id)));
  return undefined;
}

async function forget({ before }: Forgetting, { pressure, log }: ActParts): Promise<undefined> {
  try {
    const count = await pressure.forgetBefore(before);
    log.info({ count }, 'pressure is forgotten');
  } catch (err) {
    log.warn({ err }, 'pressure could not be forgotten; trying again');
  }
}

/** A want of capacity, e.g. InsufficientInstanceCapacity: EC2 answers with 500, yet it is a plain no. */
const NO_CAPACITY = /^Insufficient\w*Capacity$/;

/**
 * EC2 answered that it does not want to: then there is no instance. No answer says nothing; nor does
 * RequestLimitExceeded (503), since the SDK may have got it on asking again after a lost answer.
 */
function isRefusal(error: unknown): boolean {
  const { name, $metadata } = (error ?? {}) as {
    name?: unknown;
    $metadata?: { httpStatusCode?: unknown };
  };
  if (NO_CAPACITY.test(String(name))) return true;
  const status = $metadata?.httpStatusCode;
  return typeof status === 'number' && status >= 400 && status < 500;
}
