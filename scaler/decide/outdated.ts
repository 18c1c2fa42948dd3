/**
 * Instances of an earlier image: they drain and others are launched in their place, a few at a time, so that a
 * new image takes over while photos are answered. A new image has to prove itself first. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Draining } from './actions.ts';
import type { FleetState } from './fleet-state.ts';
import type { Memory } from './memory.ts';
import { isUp, type Observation } from './observation.ts';

/** Share of the fleet that may drain at the same time for its image. */
const IDLE_SHARE = 0.5;
const BUSY_SHARE = 0.1;

/** Whether an instance was launched from another image than is launched now. */
export function isOutdated({ imageId }: FleetInstance, image: string | undefined): boolean {
  return image !== undefined && imageId !== undefined && imageId !== image;
}

/**
 * Until an instance of the new image has reported, only one of an earlier image makes room for it: if the new
 * one does not boot, the others go on working.
 * @param image AMI_ID; undefined where the launch template names it
 */
export function toReplace(
  image: string | undefined,
  fleet: FleetState,
  { instances = [], leases }: Observation,
  memory: Memory,
): Draining[] {
  if (leases === undefined || memory.backoff !== undefined) return [];
  const old = fleet.serving.filter((one) => isOutdated(one, image));
  if (old.length === 0) return [];
  const stateOf = ({ id }: FleetInstance) => leases.get(id)?.state;
  const takesWork = (one: FleetInstance): boolean =>
    stateOf(one) === 'idle' || stateOf(one) === 'busy';
  const current = fleet.serving.filter((one) => !isOutdated(one, image));
  const isProven = current.some(takesWork);
  // Launches and boots under way are the proof that is awaited.
  if (!isProven && current.length + fleet.missing.length > 0) return [];
  const leaving = instances.filter(
    (one) => isUp(one.state) && isOutdated(one, image) && !fleet.serving.includes(one),
  ).length;
  const most = (share: number): number =>
    isProven ? Math.max(1, Math.floor(fleet.serving.length * share)) : 1;
  const idle = old.filter((one) => stateOf(one) === 'idle');
  const busy = old.filter((one) => stateOf(one) === 'busy');
  const idleOnes = idle.slice(0, Math.max(0, most(IDLE_SHARE) - leaving));
  const busyOnes = busy.slice(0, Math.max(0, most(BUSY_SHARE) - leaving - idleOnes.length));
  return [...idleOnes, ...busyOnes].map(
    ({ id, number, imageId }): Draining => ({
      kind: 'drain',
      number,
      instanceId: id,
      cause: 'outdated',
      reason: `its image ${imageId} is not ${image}`,
    }),
  );
}
