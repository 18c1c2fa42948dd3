/** Carries out the actions of a decision and returns their outcomes. Decides nothing; never throws. */
import pLimit from 'p-limit';
import { instanceName } from '../../cloud/contract/names.ts';
import type { Fleet } from '../../cloud/ec2/instances.ts';
import type { Leases } from '../../cloud/redis/leases.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { Logger } from '../../runtime/log.ts';
import type {
  Action,
  ActionKind,
  Draining,
  Forgetting,
  Inquiring,
  Launching,
  Naming,
} from '../decide/actions.ts';
import type { Outcome } from '../decide/outcomes.ts';
import { placeName, readError } from '../decide/placements.ts';
import { CALL_MS, end, start } from './change-instances.ts';
import { withTimeout } from './outages.ts';

/** RunInstances has a bucket of 5 requests. */
const LAUNCHES_AT_ONCE = 5;
const NAMES_AT_ONCE = 10;

export interface ActParts {
  readonly projectId: string;
  readonly fleet: Fleet;
  readonly leases: Leases;
  readonly pressure: Pressure;
  readonly log: Logger;
  /** Whether this scaler still leads; checked before each launch, since earlier launches may have taken long. */
  readonly mayLaunch: () => boolean;
}

export async function act(actions: readonly Action[], parts: ActParts): Promise<Outcome[]> {
  const launches = pLimit(LAUNCHES_AT_ONCE);
  const naming = pLimit(NAMES_AT_ONCE);
  const calls = Map.groupBy(ofKind(actions, 'launch'), ({ call }) => call.nonce).values();
  const name = (one: Named) => naming(() => nameOne(one, parts));
  const outcomes = await Promise.all([
    end('terminate', ofKind(actions, 'terminate'), parts),
    end('stop', ofKind(actions, 'stop'), parts),
    start(ofKind(actions, 'start'), parts, parts.mayLaunch),
    ...[...calls].map((call) => launches(() => launch(call, parts, name))),
    ...ofKind(actions, 'name').map(name),
    inquire(ofKind(actions, 'inquire'), parts),
    ...ofKind(actions, 'drain').map((action) => drain(action, parts)),
    ...ofKind(actions, 'forget-pressure').map((action) => forget(action, parts)),
  ]);
  return outcomes.flat();
}

function ofKind<Kind extends ActionKind>(
  actions: readonly Action[],
  kind: Kind,
): Extract<Action, { kind: Kind }>[] {
  return actions.filter((action) => action.kind === kind) as Extract<Action, { kind: Kind }>[];
}

/** All launches of one call; when it is repeated, some of them may exist already. */
async function launch(
  launchings: readonly Launching[],
  { fleet, projectId, log, mayLaunch }: ActParts,
  name: (one: Named) => Promise<Outcome[]>,
): Promise<Outcome[]> {
  const { call } = launchings[0]!;
  const { numbers, place } = call;
  // The same project, number and nonce give the same ClientToken (EC2 takes up to 64 characters).
  const token = `${projectId}-${numbers[0]}-${call.nonce}`;
  const names = launchings.map(({ number }) => instanceName(number)).join(', ');
  const where = placeName(place);
  if (!mayLaunch()) {
    log.warn({ token }, `${names}: not launched, since another scaler may lead now`);
    return launchings.map(({ nonce }) => ({ kind: 'not-launched', nonce }));
  }
  try {
    const launched = await withTimeout(CALL_MS, fleet.launch({ numbers, token, place }));
    const byNumber = new Map(launched.map((instance) => [instance.number, instance]));
    const outcomes = launchings.map(({ number, nonce }): Outcome => {
      const instanceId = byNumber.get(number)?.id;
      return instanceId === undefined
        ? { kind: 'launch-failed', nonce, refused: true, code: 'InsufficientInstanceCapacity' }
        : { kind: 'launched', nonce, instanceId };
    });
    const missing = launchings.length - outcomes.filter(({ kind }) => kind === 'launched').length;
    log.info({ instances: launched.map(({ id }) => id), token, where }, `${names}: launched`);
    if (missing > 0)
      log.warn({ token, where, missing }, 'EC2 launched fewer instances than requested');
    const unnamed = launched.filter((instance) => instance.unnamed);
    const named = await Promise.all(
      unnamed.map(({ id, number }) => name({ instanceId: id, number })),
    );
    return [...outcomes, ...named.flat()];
  } catch (err) {
    const { code, refused } = readError(err);
    const after = refused ? 'EC2 refused' : 'no answer, so it may have been launched';
    log.warn({ err, token, where }, `${names}: launch failed (${after}); backing off`);
    return launchings.map(({ nonce }) => ({ kind: 'launch-failed', nonce, refused, code }));
  }
}

type Named = Pick<Naming, 'instanceId' | 'number'>;

/** An instance that could not be named shows in EC2's list without a name, and is named later. */
async function nameOne(
  { instanceId, number }: Named,
  { fleet, log }: ActParts,
): Promise<Outcome[]> {
  try {
    await withTimeout(CALL_MS, fleet.name(instanceId, number));
    return [{ kind: 'named', instanceId }];
  } catch (err) {
    log.warn({ err, instance: instanceId }, `Cannot name ${instanceName(number)}; retrying`);
    return [];
  }
}

/** Asks EC2 once whether and why these instances ended. */
async function inquire(
  actions: readonly Inquiring[],
  { fleet, log }: ActParts,
): Promise<Outcome[]> {
  if (actions.length === 0) return [];
  const ids = actions.map(({ instanceId }) => instanceId);
  const endings = await withTimeout(CALL_MS, fleet.endings(ids)).catch((err: unknown) => {
    log.debug({ err, instances: ids }, 'Cannot ask EC2 why instances ended');
    return [];
  });
  const find = (instanceId: string) => endings.find(({ id }) => id === instanceId);
  const ended = actions.filter(({ instanceId, cause }) => {
    const state = find(instanceId)?.state;
    return cause === 'ended-young' || state === 'terminated' || state === 'shutting-down';
  });
  if (ended.length > 0) {
    const told = ended.flatMap(({ instanceId }) => find(instanceId) ?? []);
    const reasons = told.flatMap(({ code, message }) => message ?? code ?? []);
    const names = ended.map(({ number }) => instanceName(number)).join(', ');
    const why = [...new Set(reasons)].join('; ') || 'EC2 gives no reason';
    const instances = ended.map(({ instanceId }) => instanceId);
    log.warn({ instances }, `${names} ended before taking work: ${why}`);
  }
  return ids.map((instanceId): Outcome => {
    const { state, code } = find(instanceId) ?? {};
    return {
      kind: 'ended',
      instanceId,
      ...(state === undefined ? {} : { state }),
      ...(code === undefined ? {} : { code }),
    };
  });
}

async function drain(
  { instanceId, number }: Draining,
  { leases, log }: ActParts,
): Promise<Outcome[]> {
  try {
    await leases.askToDrain(instanceId);
    return [];
  } catch (err) {
    log.warn(
      { err, instance: instanceId },
      `Cannot ask ${instanceName(number)} to drain; retrying`,
    );
    return [{ kind: 'drain-failed', instanceIds: [instanceId] }];
  }
}

async function forget(
  { olderThanMs }: Forgetting,
  { pressure, log }: ActParts,
): Promise<Outcome[]> {
  try {
    const count = await pressure.forgetOlder(olderThanMs);
    log.info({ count }, 'Removed stale requests from the pressure set');
  } catch (err) {
    log.warn({ err }, 'Cannot remove stale requests from the pressure set; retrying');
  }
  return [];
}
