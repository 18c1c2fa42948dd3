/** What a soak came to: slopes by service, beside what is asked, in a table. Measures nothing. */
import { type Samples, slope } from './samples.ts';

/** Asked: resident memory grows by less than this after the warm-up. */
export const MOST_MB_A_MINUTE = 1;
/** Asked: flat. A connection more or less at the ends of a run is no leak. */
export const MOST_DESCRIPTORS_A_MINUTE = 1;

export interface Grown {
  readonly service: string;
  readonly residentMb: number;
  readonly mbPerMinute: number;
  readonly descriptors: number;
  readonly descriptorsPerMinute: number;
  readonly isFlat: boolean;
}

export interface SoakResult {
  readonly minutes: number;
  readonly warmUpMinutes: number;
  readonly capacityPerSecond: number;
  readonly loadPerSecond: number;
  readonly posted: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly services: readonly Grown[];
  readonly passed: boolean;
}

/** @param from minute at which the warm-up is over */
export function growth(samples: Samples, from: number): Grown[] {
  return [...samples].flatMap(([service, series]) => {
    const after = series.filter(({ minute }) => minute >= from);
    const last = after.at(-1);
    if (last === undefined || after.length < 3) return [];
    const mbPerMinute = slope(after.map(({ minute, residentMb }) => [minute, residentMb]));
    const descriptorsPerMinute = slope(
      after.map(({ minute, descriptors }) => [minute, descriptors]),
    );
    const isFlat =
      mbPerMinute < MOST_MB_A_MINUTE && descriptorsPerMinute < MOST_DESCRIPTORS_A_MINUTE;
    const { residentMb, descriptors } = last;
    return [{ service, residentMb, mbPerMinute, descriptors, descriptorsPerMinute, isFlat }];
  });
}

export function soakText(result: SoakResult): string {
  const { capacityPerSecond, loadPerSecond, posted, failed, p50Ms, p99Ms } = result;
  const rows = result.services.map(
    (one) =>
      `| ${one.service} | ${one.residentMb.toFixed(0)} | ${one.mbPerMinute.toFixed(2)} | ${one.descriptors} | ${one.descriptorsPerMinute.toFixed(2)} |${one.isFlat ? '' : ' grows'}`,
  );
  return [
    `${posted} photos in ${result.minutes} minutes, ${loadPerSecond.toFixed(1)} a second of the ${capacityPerSecond.toFixed(1)} that the workers bear; ${failed} not answered with a name; half within ${p50Ms.toFixed(0)} ms, 99 % within ${p99Ms.toFixed(0)} ms.`,
    `Slopes after a warm-up of ${result.warmUpMinutes.toFixed(1)} minutes (asked: under ${MOST_MB_A_MINUTE} MB a minute, descriptors flat):`,
    '| service (process) | resident MB at the end | MB a minute | descriptors at the end | a minute |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    result.passed ? 'Nothing grows.' : 'Something grows or failed.',
  ].join('\n');
}
