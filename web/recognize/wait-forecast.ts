/**
 * Forecasts how long a new photo would wait, from the pressure and the scaler's status, and refuses photos
 * that would time out. If anything is unknown, photos are accepted.
 */
import type { FiguresStore } from '../../cloud/redis/measurements.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { ScalerStatusStore, StatusReading } from '../../cloud/redis/scaler-status.ts';
import { cached } from '../../runtime/cached-value.ts';
import { httpError } from '../errors.ts';

const READING_MS = 1000;
/** A status older than this is not used. */
const SCALER_SILENT_MS = 10_000;
/** Share of the time limit that the forecast may use, because it is an estimate. */
const TIMELY_SHARE = 0.9;
const MOST_RETRY_SECONDS = 60;
/** A fleet that should have grown for this long and has not is taken as unable to grow. */
const STUCK_MS = 60_000;

export interface Fleet {
  /** Seconds until each instance is ready; 0 for those that are. */
  readonly startsIn: readonly number[];
  /** Instances that may still be launched, and the seconds each needs to become ready. */
  readonly launchable: number;
  readonly bootSeconds: number;
  /** Seconds that one request takes on one instance. */
  readonly serviceSeconds: number;
}

/** Seconds until a request with `ahead` requests before it is answered; infinite without instances. */
export function secondsToAnswer(ahead: number, fleet: Fleet): number {
  const { startsIn, launchable, bootSeconds, serviceSeconds } = fleet;
  const starts = [...startsIn, ...Array<number>(launchable).fill(bootSeconds)].sort(
    (a, b) => a - b,
  );
  let work = (ahead + 1) * serviceSeconds;
  for (const [index, start] of starts.entries()) {
    const serving = index + 1;
    const until = starts[serving] ?? Number.POSITIVE_INFINITY;
    if (work <= serving * (until - start)) return start + work / serving;
    work -= serving * (until - start);
  }
  return Number.POSITIVE_INFINITY;
}

export interface ForecastSources {
  readonly pressure: Pick<Pressure, 'read'>;
  readonly scaler: Pick<ScalerStatusStore, 'read'>;
  readonly figures: Pick<FiguresStore, 'read'>;
  readonly requestSeconds: number;
  /** ms since 1970 */
  readonly now?: () => number;
}

export interface WaitForecast {
  /** @throws {HttpError} 503 if a new photo would not be answered in time */
  requireTimely(): Promise<void>;
}

export function openWaitForecast(sources: ForecastSources): WaitForecast {
  const { pressure, scaler, figures, requestSeconds, now = Date.now } = sources;
  let stuckSince: number | undefined;
  /** Requests that this node accepted since the last reading. */
  let since = 0;
  const read = cached(async () => {
    const [status, measured, counted] = await Promise.all([
      scaler.read(),
      figures.read(),
      pressure.read(),
    ]);
    since = 0;
    if (status === undefined || status.silentMs > SCALER_SILENT_MS) return undefined;
    if (measured === undefined) return undefined;
    const { service, boot } = measured.figures;
    const bootSeconds = boot.seconds;
    const startsIn = startsOf(status, bootSeconds, now());
    // Redis may count requests that are gone; the scaler compares it with the queue.
    const ahead = Math.min(
      counted.count - counted.abandoned,
      status.demand ?? Number.POSITIVE_INFINITY,
    );
    const launchable = Math.max(0, status.largestFleet - startsIn.length);
    const isStill = startsIn.length > 0 && startsIn.every((start) => start === 0);
    const wantsMore = launchable > 0 && isStill && ahead > 2 * startsIn.length;
    stuckSince = wantsMore ? (stuckSince ?? performance.now()) : undefined;
    const isStuck = stuckSince !== undefined && performance.now() - stuckSince > STUCK_MS;
    const fleet: Fleet = {
      startsIn,
      launchable: isStuck ? 0 : launchable,
      bootSeconds,
      serviceSeconds: service.busySeconds / service.finished,
    };
    return { ahead, fleet };
  }, READING_MS);
  return {
    async requireTimely() {
      const seen = await read();
      if (seen === undefined) return;
      const timely = TIMELY_SHARE * requestSeconds;
      const late = secondsToAnswer(seen.ahead + since, seen.fleet) - timely;
      if (late > 0) throw httpError.overloaded(Math.min(MOST_RETRY_SECONDS, Math.ceil(late)));
      since += 1;
    },
  };
}

function startsOf(
  { instances }: Pick<StatusReading, 'instances'>,
  bootSeconds: number,
  now: number,
): number[] {
  return instances.flatMap(({ state, spoke, launchedAt }) => {
    if (state !== 'pending' && state !== 'running') return [];
    if (spoke) return [0];
    const left = bootSeconds - (now - launchedAt) / 1000;
    // Clocks differ and a boot may be late: it ends only when the instance reports.
    return [Math.min(bootSeconds, Math.max(left, Math.min(1, bootSeconds)))];
  });
}
