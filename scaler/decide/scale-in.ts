/**
 * Scale-in: idle instances are asked to drain, drained ones are stopped into the warm pool
 * or terminated, dead ones are terminated. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { LeaseReading } from '../../cloud/redis/leases.ts';
import type { Draining, Stopping, Terminating } from './actions.ts';
import { type FleetState, FRESH_MS } from './fleet-state.ts';
import { whyDead } from './health.ts';
import type { Memory } from './memory.ts';
import { isUp, type Observation } from './observation.ts';
import { isOutdated } from './outdated.ts';
import type { Shrink } from './policies/policy.ts';

export interface LeaveSettings {
  readonly BOOT_SECONDS: number;
  readonly WARM_POOL?: number;
  readonly AMI_ID?: string | undefined;
}

/** The drained ones, also when demand is back: they take no more; the dead ones; and what the pool has too many of. */
export function leaving(
  { now, leases }: Observation,
  instances: readonly FleetInstance[],
  { BOOT_SECONDS, WARM_POOL = 0, AMI_ID }: LeaveSettings,
  memory: Memory,
): (Stopping | Terminating)[] {
  // Without leases the scaler cannot tell which instances are busy.
  if (leases === undefined) return [];
  const bootMs = BOOT_SECONDS * 1000;
  const pool = instances.filter(
    ({ id, state }) =>
      !memory.terminations.has(id) &&
      (state === 'stopped' || state === 'stopping' || (isUp(state) && memory.stops.has(id))),
  );
  let room = WARM_POOL - pool.length;
  const up = instances.flatMap((instance): (Stopping | Terminating)[] => {
    const { id: instanceId, number, state, spot } = instance;
    const asked = memory.terminations.has(instanceId) || memory.stops.has(instanceId);
    if (!isUp(state) || asked) return [];
    const lease = leases.get(instanceId);
    const drained = lease?.state === 'drained' && lease.inHand === 0 && lease.silentMs <= FRESH_MS;
    if (drained) {
      const isCurrent = !isOutdated(instance, AMI_ID);
      const stoppable =
        !spot && isCurrent && state === 'running' && !memory.unstoppable.has(instanceId);
      if (room <= 0 || !stoppable) {
        return [
          { kind: 'terminate', number, instanceId, cause: 'drained', reason: 'it has drained' },
        ];
      }
      room -= 1;
      const reason = 'it has drained, and the warm pool has room';
      return [{ kind: 'stop', number, instanceId, cause: 'drained', reason }];
    }
    const reason = whyDead(instance, lease, memory, { now, bootMs });
    return reason === undefined
      ? []
      : [{ kind: 'terminate', number, instanceId, cause: 'dead', reason }];
  });
  // Without a warm pool, the scaler has stopped nothing: these instances are another program's.
  const surplus = WARM_POOL === 0 ? 0 : Math.max(0, pool.length - WARM_POOL);
  const stopped = pool.filter(({ state }) => state === 'stopped');
  const outdated = (WARM_POOL === 0 ? [] : stopped)
    .filter((one) => isOutdated(one, AMI_ID))
    .map(({ id, number, imageId }): Terminating => {
      const reason = `its image ${imageId} is not ${AMI_ID}`;
      return { kind: 'terminate', number, instanceId: id, cause: 'outdated', reason };
    });
  const tooMany = stopped
    .filter((one) => !isOutdated(one, AMI_ID))
    .sort((a, b) => b.number - a.number)
    .slice(0, Math.max(0, surplus - outdated.length))
    .map(({ id, number }): Terminating => {
      const reason = `the warm pool is full (${WARM_POOL})`;
      return { kind: 'terminate', number, instanceId: id, cause: 'warm-pool', reason };
    });
  return [...up, ...outdated, ...tooMany];
}

/** Idle instances only, the highest numbers first. An instance that got work meanwhile finishes it before it drains. */
export function toDrain(
  wish: Shrink,
  fleet: FleetState,
  spareSince: number,
  { now, leases, pressure, depth }: Observation,
): Draining[] {
  if (leases === undefined || pressure === undefined || depth === undefined) return [];
  if (now - spareSince < (wish.keepSeconds ?? 0) * 1000) return [];
  const spare = Math.max(0, fleet.serving.length + fleet.missing.length - wish.to);
  const mustIdle = ({ launchedAt }: FleetInstance): number => {
    const { young, idleSeconds } = wish;
    return young && now - launchedAt < young.forSeconds * 1000 ? young.idleSeconds : idleSeconds;
  };
  return fleet.serving
    .filter((instance) => idleMs(leases.get(instance.id)) >= mustIdle(instance) * 1000)
    .sort((a, b) => b.number - a.number)
    .slice(0, spare)
    .map(({ id, number }) => {
      const seconds = Math.floor(idleMs(leases.get(id)) / 1000);
      const reason = `${wish.reason} and it has been idle for ${seconds} s`;
      return { kind: 'drain', number, instanceId: id, cause: 'spare', reason };
    });
}

/** How long it has been idle, in ms; negative when it is not. */
function idleMs(lease: LeaseReading | undefined): number {
  return lease?.state === 'idle' && lease.inHand === 0 ? lease.forMs + lease.silentMs : -1;
}
