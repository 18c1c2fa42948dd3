/** Scale-out: starts stopped instances first, then launches new ones where EC2 has capacity. Pure. */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Place } from '../../cloud/ec2/launch-input.ts';
import type { Launching, Starting, Terminating } from './actions.ts';
import { whyWait } from './failed-boots.ts';
import type { FleetState } from './fleet-state.ts';
import { launchesOf, lowestFree } from './launches.ts';
import type { Memory } from './memory.ts';
import type { Observation } from './observation.ts';
import { nextTry, openPlace, placeName } from './placements.ts';
import type { Grow } from './policies/policy.ts';

/** The default place of launches. */
export const ANYWHERE: readonly Place[] = [
  { instanceType: 'c7i.large', subnetId: undefined, spot: false },
];
/** After this many failed starts in a row, stopped instances give way to launches. */
const GIVE_UP_STARTING = 3;

export interface GrowSettings {
  readonly MAX_INSTANCES: number;
  readonly WARM_POOL?: number;
  /** The preferred one first. */
  readonly places?: readonly Place[];
}

export interface Growth {
  readonly actions: readonly (Starting | Launching | Terminating)[];
  /** Why launches or starts wait; the text stays the same for the same reason. */
  readonly reasons: readonly string[];
}

/** @param isAsking EC2 is just being asked why a launched one ended: nothing is launched before it says */
export function grow(
  wish: Grow,
  fleet: FleetState,
  settings: GrowSettings,
  memory: Memory,
  observation: Observation,
  isAsking = false,
): Growth {
  const { reason, cause = 'demand' } = wish;
  const unsure = fleet.missing.filter(({ instanceId }) => instanceId === undefined);
  const sure = fleet.serving.length + fleet.missing.length - unsure.length;
  const startable = inPool(fleet, settings, observation);
  const mayStart = observation.now >= memory.startPause.until;
  const starts = (mayStart ? startable : [])
    .slice(0, Math.max(0, wish.to - sure - unsure.length))
    .map(({ id, number }): Starting => ({ kind: 'start', number, instanceId: id, cause, reason }));
  const needed = wish.to - sure - starts.length;
  const room = settings.MAX_INSTANCES - fleet.alive;
  const { launches, waits } = isAsking
    ? { launches: [], waits: 'launches wait until EC2 says why an instance ended' }
    : launch({ needed, room }, wish, fleet, settings, memory, observation);
  const gaveUp = !mayStart && memory.startPause.failures >= GIVE_UP_STARTING;
  const inTheWay = gaveUp ? Math.max(0, needed - unsure.length - Math.max(0, room)) : 0;
  const mayEnd = ({ id }: FleetInstance): boolean =>
    (memory.endPauses.get(id)?.until ?? 0) <= observation.now && !memory.unsureStarts.has(id);
  const makeRoom = startable
    .filter(mayEnd)
    .slice(0, inTheWay)
    .map(
      ({ id, number }): Terminating => ({
        kind: 'terminate',
        number,
        instanceId: id,
        cause: 'warm-pool',
        reason: 'it cannot be started and takes up capacity that is needed',
      }),
    );
  return {
    actions: [...starts, ...launches, ...makeRoom],
    reasons: [
      ...(waits === undefined ? [] : [waits]),
      ...(!mayStart && startable.length > 0
        ? ['starts of stopped instances wait after a failure']
        : []),
    ],
  };
}

/** Launches whose outcome is not known come first: asked again with the same token, they launch once. */
function launch(
  { needed, room }: { needed: number; room: number },
  { reason, cause = 'demand' }: Grow,
  fleet: FleetState,
  settings: GrowSettings,
  memory: Memory,
  { now }: Observation,
): { launches: Launching[]; waits?: string } {
  if (needed <= 0) return { launches: [] };
  const unsure = fleet.missing.filter(({ instanceId }) => instanceId === undefined);
  const held = whyWait(memory, unsure.length > 0, now);
  if (held !== undefined) return { launches: [], waits: held };
  const { places = ANYWHERE } = settings;
  const place = openPlace(places, memory.closures, now);
  if (place === undefined) {
    const until = nextTry(places, memory.closures, now) ?? now;
    const codes = [...memory.closures.values()]
      .filter((closure) => closure.until > now)
      .map(({ code }) => code);
    const waits = `launches wait until ${new Date(until).toISOString()}, after ${[...new Set(codes)].join(', ')}`;
    return { launches: [], waits };
  }
  const calls = [...Map.groupBy(unsure, ({ call }) => call.nonce).values()];
  const retries: Launching[] = [];
  for (const call of calls) {
    // A call is asked again as a whole, since its token stands for all of it.
    if (retries.length >= needed) break;
    retries.push(
      ...call.map(
        ({ number, nonce, call }): Launching => ({
          kind: 'launch',
          number,
          nonce,
          call,
          cause,
          reason,
        }),
      ),
    );
  }
  const most = memory.backoff === undefined ? room : Math.min(1, room);
  const count = Math.min(needed - unsure.length, most);
  const preferred = places[0];
  const elsewhere =
    place === preferred || preferred === undefined
      ? ''
      : `; ${placeName(place)}, since ${placeName(preferred)} is refused`;
  const news = launchesOf(lowestFree(fleet.numbers, Math.max(0, count)), {
    place,
    cause,
    reason: `${reason}${elsewhere}`,
    nonce: (index) => `${memory.seed}-${(memory.launchCount + index).toString(36)}`,
  });
  return { launches: [...retries, ...news] };
}

/** Those that can be started now, the lowest numbers first. Without leases their old wishes to drain cannot be taken back. */
function inPool(
  { stopped }: FleetState,
  { WARM_POOL = 0 }: GrowSettings,
  { leases }: Observation,
): FleetInstance[] {
  if (WARM_POOL === 0 || leases === undefined) return [];
  return stopped.filter(({ state }) => state === 'stopped').sort((a, b) => a.number - b.number);
}
