/**
 * What a policy knows about the load: arrivals per second, service time and boot time, each a moving
 * average. Pure. A new scaler continues with the figures of the last one; the very first starts with guesses.
 */

import type { LeaseReading } from '../../cloud/redis/leases.ts';
import type { Figures, FiguresReading } from '../../cloud/redis/measurements.ts';
import { believedPressure, isUp, type Observation, queued } from './observation.ts';

/**
 * Of arrivals both numbers decay with time, so that their quotient is unbiased from the start. Of service,
 * the seconds that instances were busy and the requests they finished, both decay with requests.
 */
export interface Measures extends Figures {
  /** Arrivals a second at the last readings, the newest last. */
  readonly recent: readonly number[];
  readonly last: Reading | undefined;
}

/** What the next reading is compared with. */
interface Reading {
  readonly at: number;
  readonly source: 'pressure' | 'queue';
  readonly demand: number;
  /** Requests that left the demand, but are in no lease's count yet: 0 or negative. */
  readonly owed: number;
  readonly finished: ReadonlyMap<string, number>;
  readonly booting: ReadonlySet<string>;
}

/** Assumed until measured, in seconds. */
export interface Guess {
  readonly serviceSeconds: number;
  readonly bootSeconds: number;
}

/** One photo on one core, and a small Linux instance with the model in its image. */
const GUESS: Guess = { serviceSeconds: 0.1, bootSeconds: 45 };
/** Number of requests that the service guess counts as. */
const GUESS_WEIGHT = 10;
const ARRIVALS_SECONDS = 40;
const RECENT_READINGS = 8;
/** A burst falls into one reading or two. */
const BURST_READINGS = 2;
const SERVICE_REQUESTS = 200;
const NEW_BOOT_SHARE = 0.3;
/** After a longer gap the difference of two readings says little. */
const GAP_SECONDS = 10;
/** A lease silent for longer does not say what its instance does now. */
const FRESH_MS = 3000;
/** A lease is renewed once a second, read once a second. */
const LEASE_LAG_SECONDS = 2;

export function startMeasures(guess: Guess = GUESS): Measures {
  return {
    arrivals: { perSecond: 0, weight: 0 },
    recent: [],
    service: { busySeconds: GUESS_WEIGHT * guess.serviceSeconds, finished: GUESS_WEIGHT },
    boot: { seconds: guess.bootSeconds, count: 0 },
    last: undefined,
  };
}

/** Continues with what another scaler measured: the older, the less its arrivals count. */
export function resumeMeasures({ figures, ageSeconds }: FiguresReading): Measures {
  const { arrivals, service, boot } = figures;
  const keep = Math.exp(-ageSeconds / ARRIVALS_SECONDS);
  return {
    arrivals: { perSecond: arrivals.perSecond * keep, weight: arrivals.weight * keep },
    recent: [],
    service,
    boot,
    last: undefined,
  };
}

export function addArrivals(measures: Measures, arrived: number, seconds: number): Measures {
  const keep = Math.exp(-seconds / ARRIVALS_SECONDS);
  const { perSecond, weight } = measures.arrivals;
  return {
    ...measures,
    arrivals: {
      perSecond: perSecond * keep + (arrived / seconds) * (1 - keep),
      weight: weight * keep + (1 - keep),
    },
    recent: [...measures.recent, arrived / seconds].slice(-RECENT_READINGS),
  };
}

/** Busy time counts at once, so that long work is known before it is finished. */
export function addService(measures: Measures, busySeconds: number, finished: number): Measures {
  const keep = Math.exp(-finished / SERVICE_REQUESTS);
  const { service } = measures;
  return {
    ...measures,
    service: {
      busySeconds: service.busySeconds * keep + busySeconds,
      finished: service.finished * keep + finished,
    },
  };
}

/** @param seconds mean boot time of these `count`; the first ones replace the guess */
export function addBoots(measures: Measures, seconds: number, count: number): Measures {
  if (count === 0) return measures;
  const { boot } = measures;
  const keep = boot.count === 0 ? 0 : (1 - NEW_BOOT_SHARE) ** count;
  return {
    ...measures,
    boot: { seconds: boot.seconds * keep + seconds * (1 - keep), count: boot.count + count },
  };
}

export interface Estimates {
  readonly arrivalsPerSecond: number;
  readonly freshArrivalsPerSecond: number;
  readonly serviceSeconds: number;
  readonly bootSeconds: number;
}

export function estimatesOf({ arrivals, recent, service, boot }: Measures): Estimates {
  const { perSecond, weight } = arrivals;
  // The first seconds of a burst are not a rate yet.
  const arrivalsPerSecond = weight > 0.3 ? perSecond / weight : perSecond;
  return {
    arrivalsPerSecond,
    freshArrivalsPerSecond: Math.max(arrivalsPerSecond, surely(recent)),
    serviceSeconds: Math.max(0.001, service.busySeconds / service.finished),
    bootSeconds: Math.max(0.1, boot.seconds),
  };
}

/** The recent rate without its greatest readings, less two standard deviations of a random stream. */
function surely(recent: readonly number[]): number {
  if (recent.length < RECENT_READINGS) return 0;
  const rest = recent.toSorted((a, b) => a - b).slice(0, RECENT_READINGS - BURST_READINGS);
  const rate = rest.reduce((sum, one) => sum + one, 0) / rest.length;
  return rate - 2 * Math.sqrt(rate / rest.length);
}

/**
 * One more reading. Arrivals are what demand has grown by and what has been finished meanwhile. Whether
 * an instance is busy is a sample once a second, whose mean is right also when requests are shorter. A
 * boot lasts from the launch to the beginning of the first state in which the instance takes work.
 * @param isOurs whether this controller launched the instance, so that it knows when
 */
export function measure(
  observation: Observation,
  measures: Measures,
  isOurs: (id: string) => boolean = () => true,
): Measures {
  const { now, instances, leases, pressure, depth } = observation;
  const demand = believedPressure(observation) ?? (depth && queued(depth));
  if (instances === undefined || leases === undefined || demand === undefined) return measures;
  const source = pressure ? 'pressure' : 'queue';
  const { last } = measures;
  const seconds = last === undefined ? 0 : (now - last.at) / 1000;
  if (last !== undefined && seconds <= 0) return measures;

  const finished = new Map<string, number>();
  const booting = new Set<string>();
  const boots: number[] = [];
  let done = 0;
  let busy = 0;
  for (const { id, state, launchedAt } of instances) {
    if (!isUp(state)) continue;
    const lease = leases.get(id);
    const before = last?.finished.get(id);
    const booted = last?.booting.has(id) === true;
    if (lease === undefined || lease.state === 'starting') {
      // An instance that lost its lease keeps its count and does not boot again.
      if (before === undefined) booting.add(id);
      else finished.set(id, before);
      continue;
    }
    finished.set(id, lease.finished);
    // For an instance older than this scaler, counting begins at its first count.
    done += Math.max(0, lease.finished - (before ?? (booted ? 0 : lease.finished)));
    if (lease.inHand > 0 && lease.silentMs <= FRESH_MS) busy += 1;
    if (booted && isOurs(id))
      boots.push(Math.max(0, takesWorkSince(lease, now) - launchedAt) / 1000);
  }
  const bootSum = boots.reduce((sum, one) => sum + one, 0);
  const more = addBoots(measures, bootSum / Math.max(1, boots.length), boots.length);
  const reading = { at: now, source, demand, finished, booting } as const;
  if (last === undefined || seconds > GAP_SECONDS)
    return { ...more, last: { ...reading, owed: 0 } };
  const served = addService(more, busy * seconds, done);
  if (last.source !== source) return { ...served, last: { ...reading, owed: 0 } };
  const net = demand - last.demand + done + last.owed;
  // A flushed Redis must not count as negative arrivals for long.
  const most = Math.ceil((leases.size * LEASE_LAG_SECONDS) / estimatesOf(served).serviceSeconds);
  const owed = Math.max(-most, Math.min(0, net));
  return { ...addArrivals(served, Math.max(0, net), seconds), last: { ...reading, owed } };
}

function takesWorkSince({ forMs, silentMs }: LeaseReading, now: number): number {
  return now - forMs - silentMs;
}
