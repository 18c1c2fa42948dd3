/**
 * Publishes for the web nodes, once a tick, what this scaler sees and does. Nothing waits for it and its failures
 * change nothing: the status is for people.
 */

import { instanceName } from '../../cloud/contract/names.ts';
import type { PublishedStatus } from '../../cloud/contract/scaler-status.ts';
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import { fleetPoint } from '../../cloud/redis/fleet-view.ts';
import type { ScalerStatusStore } from '../../cloud/redis/scaler-status.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Settings } from '../../runtime/settings.ts';
import { demandOf, type Observation } from '../decide/observation.ts';
import { type LoopView, linesOf, type MadeDecision } from './view.ts';

/** Of decisions; one may be several lines. */
const MOST_LINES = 20;

export function publisher(
  store: ScalerStatusStore,
  settings: Pick<Settings, 'SCALE_POLICY' | 'MAX_INSTANCES'>,
  log: Logger,
): (view: LoopView) => void {
  /** EC2's last list; used while EC2 gives none. */
  let instances: PublishedStatus['instances'] = [];
  let spoke: ReadonlySet<string> = new Set();
  return ({ role, seen, decisions }) => {
    if ((role !== 'leader' && role !== 'alone') || seen === undefined) return;
    const { now, leases, pressure, instances: listed } = seen.observation;
    if (listed !== undefined) {
      spoke = stillSpoke(listed, spoke, leases);
      instances = listed.flatMap((instance) => shown(instance, spoke));
    }
    const demand = demandOf(seen.observation).known;
    const status: PublishedStatus = {
      role,
      policy: settings.SCALE_POLICY,
      largestFleet: settings.MAX_INSTANCES,
      instances,
      ...(demand === undefined ? {} : { demand }),
      decisions: decisions.toReversed().flatMap(changesOf).slice(0, MOST_LINES),
    };
    const point = fleetPoint(now, listed && instances, leases, pressure);
    store.publish(status, point).catch((err: unknown) => {
      log.debug({ reason: messageOf(err) }, 'Cannot publish the status');
    });
  };
}

/** Instances that have reported since they were started; one from the warm pool has to report again. */
function stillSpoke(
  instances: readonly FleetInstance[],
  before: ReadonlySet<string>,
  leases: Observation['leases'],
): ReadonlySet<string> {
  const ids = instances
    .filter(({ id, state }) => leases?.has(id) || (state === 'running' && before.has(id)))
    .map(({ id }) => id);
  return new Set(ids);
}

/** Empty for instances that are stopped in the warm pool. */
function shown(instance: FleetInstance, spoke: ReadonlySet<string>): PublishedStatus['instances'] {
  const { id, number, state, launchedAt, spot = false, type = null } = instance;
  if (state === 'stopped' || state === 'terminated') return [];
  const name = instanceName(number);
  return [{ id, name, state, launchedAt, spoke: spoke.has(id), spot, type }];
}

/** Writing a Name is left out: it changes nothing that matters to a viewer. */
export function changesOf({ at, actions }: MadeDecision): PublishedStatus['decisions'] {
  return linesOf(actions.filter(({ kind }) => kind !== 'name')).map((line) => ({ at, ...line }));
}
