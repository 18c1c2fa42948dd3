/** Brings the scheduled faults in at their times, and keeps count of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { inWords, lengthOf, rowOf } from './faults.ts';
import type { Injector } from './inject.ts';
import type { FaultTime } from './recovery.ts';
import { type ScheduleOptions, schedule } from './schedule.ts';

export interface FaultRun {
  /** Faults that hit something, by their row in the report. */
  readonly faults: Readonly<Record<string, number>>;
  /** When each of them was, in ms of the monotonic clock. */
  readonly times: readonly FaultTime[];
  /** Faults that found nothing to hit. */
  readonly missed: number;
}

/** Resolves when the signal is aborted. */
export async function injectFaults(options: {
  readonly injector: Pick<Injector, 'inject'>;
  readonly seed: number;
  readonly schedule: ScheduleOptions;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}): Promise<FaultRun> {
  const { injector, seed, signal, say } = options;
  const faults: Record<string, number> = {};
  const times: FaultTime[] = [];
  let missed = 0;
  const began = performance.now();
  for (const { number, at, fault } of schedule(seed, options.schedule)) {
    const wait = Math.max(0, began + at - performance.now());
    await delay(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const from = performance.now();
    const hit = await injector.inject(fault);
    const what = hit === undefined ? ': nothing to hit' : hit && ` (${hit})`;
    say(`${((from - began) / 1000).toFixed(1)} s #${number} ${inWords(fault)}${what}`);
    if (hit === undefined) missed += 1;
    else {
      const row = rowOf(fault);
      faults[row] = (faults[row] ?? 0) + 1;
      times.push({ row, from, to: performance.now() + lengthOf(fault) });
    }
  }
  return { faults, times, missed };
}
