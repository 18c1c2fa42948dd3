/** Reads the state of the running system from Redis and from this node's own answers. */
import { fleetPoint, shownState } from '../../cloud/redis/fleet-view.ts';
import type { LeaseReading, Leases } from '../../cloud/redis/leases.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { ScalerStatusStore, StatusReading } from '../../cloud/redis/scaler-status.ts';
import type { Answers } from './answers.ts';
import type { LivePoint, LiveState } from './state.ts';

export interface LiveSources {
  readonly pressure: Pick<Pressure, 'read'>;
  readonly leases: Pick<Leases, 'read'>;
  readonly scaler: Pick<ScalerStatusStore, 'read' | 'history'>;
  readonly answers: Answers;
}

/** Longer than a scaler's tick with many launches, for which EC2 may take seconds. */
const SCALER_SILENT_MS = 10_000;

/** Never throws: what cannot be read is null or missing. */
export async function readState(
  { pressure, leases, scaler, answers }: LiveSources,
  now: number,
): Promise<LiveState> {
  const status = scaler.read();
  const [told, held, counted] = await Promise.all([
    status.catch(() => undefined),
    status
      .then((read) => read && leases.read(read.instances.map(({ id }) => id)))
      .catch(() => undefined),
    pressure.read().catch(() => undefined),
  ]);
  const rates = answers.rates(now);
  const speaks = told !== undefined && told.silentMs <= SCALER_SILENT_MS;
  const instances = told && alive(told, held, speaks);
  const oldestMs = counted?.oldestMs;
  return {
    now: {
      ...fleetPoint(now, instances, told === undefined ? NO_LEASES : held, counted),
      answered: answers.before(now),
    },
    oldestSeconds: oldestMs === undefined ? null : rounded(oldestMs / 1000),
    largestFleet: told?.largestFleet ?? null,
    policy: told?.policy ?? null,
    scaler: speaks ? told.role : null,
    answers: {
      perSecond: rates.perSecond,
      p50: rates.p50 && rounded(rates.p50),
      p95: rates.p95 && rounded(rates.p95),
    },
    instances: (instances ?? []).map((instance) => {
      const { id, name, launchedAt, spot, type } = instance;
      const lease = held?.get(id);
      const shown = shownState(instance, lease);
      return {
        id,
        name,
        state: shown,
        seconds: secondsIn(shown, lease, launchedAt, now),
        inHand: lease?.inHand ?? 0,
        finished: lease?.finished ?? 0,
        spot,
        type,
      };
    }),
    decisions: told?.decisions ?? [],
  };
}

/** The scaler's points, each with the photos that this node answered in its second. */
export async function readHistory({ scaler, answers }: LiveSources): Promise<LivePoint[]> {
  const points = await scaler.history().catch(() => []);
  return points.map((point) => ({ ...point, answered: answers.before(point.at) }));
}

const NO_LEASES: ReadonlyMap<string, LeaseReading> = new Map();

/** A silent scaler's list is old: then only instances with a lease count. */
function alive(
  { instances }: StatusReading,
  leases: ReadonlyMap<string, LeaseReading> | undefined,
  speaks: boolean,
): StatusReading['instances'] {
  return speaks ? instances : instances.filter(({ id }) => leases?.has(id));
}

function secondsIn(
  shown: LiveState['instances'][number]['state'],
  lease: LeaseReading | undefined,
  launchedAt: number,
  now: number,
): number | null {
  if (shown === 'stopping') return null;
  if (lease === undefined) return secondsSince(launchedAt, now);
  return rounded((shown === 'silent' ? lease.silentMs : lease.forMs + lease.silentMs) / 1000);
}

function secondsSince(time: number, now: number): number {
  return rounded(Math.max(0, now - time) / 1000);
}

/** To the millisecond: more digits would only make the event longer. */
function rounded(seconds: number): number {
  return Math.round(1000 * seconds) / 1000;
}
