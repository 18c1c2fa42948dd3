/**
 * Notices that this worker is no longer needed: no scaler leads and no request comes, or it has drained
 * and its instance is not terminated. Such an instance would cost forever. Knows no Redis and no machine.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../runtime/log.ts';
import type { Activity } from './activity.ts';

/** Looks often enough to see a scaler that leads only for a while. */
const LOOK_MS = 10_000;

export interface UnneededParts {
  /** Whether a scaler leads; rejects when Redis cannot be read, which counts as none. */
  readonly leads: () => Promise<boolean>;
  readonly activity: Pick<Activity, 'lease'>;
  readonly aloneMs: number;
  readonly log: Logger;
  readonly lookMs?: number;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
}

export interface UnneededWatch {
  /** Resolves when it has been unneeded for as long as the settings allow. */
  readonly unneeded: Promise<void>;
  stop(): void;
}

export function watchUnneeded(parts: UnneededParts): UnneededWatch {
  const { leads, activity, aloneMs, log, now = () => performance.now() } = parts;
  const { lookMs = Math.min(LOOK_MS, aloneMs / 10) } = parts;
  const { promise: unneeded, resolve } = Promise.withResolvers<void>();
  const stopping = new AbortController();
  let neededAt = now();
  let finished = 0;
  let hasDrained = false;

  const isNeeded = async (): Promise<boolean> => {
    const { state, inHand, finished: count } = activity.lease;
    const worked = inHand > 0 || count !== finished;
    finished = count;
    const justDrained = state === 'drained' && !hasDrained;
    hasDrained ||= justDrained;
    if (worked || justDrained) return true;
    return !hasDrained && (await leads().catch(() => false));
  };
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (await isNeeded()) neededAt = now();
      if (now() - neededAt >= aloneMs) {
        const why = hasDrained ? 'Drained' : 'No scaler leads and no request came';
        log.warn(`${why} for ${Math.round(aloneMs / 1000)} s; ending this instance`);
        return resolve();
      }
      await delay(lookMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  void watch();
  return { unneeded, stop: () => stopping.abort() };
}
