/**
 * What each service takes over time, by Linux’s /proc, how steeply that grows, and a table of it beside the
 * limits. Starts nothing.
 */
import { readdir, readFile } from 'node:fs/promises';
import { treeOf } from '../processes.ts';

export interface Sample {
  /** Minutes since the load began. */
  readonly minute: number;
  readonly residentMb: number;
  readonly descriptors: number;
}

/** Samples by service, e.g. `web`; several of one kind are told apart by their process id. */
export type Samples = Map<string, Sample[]>;

/** The services of the system, by their command lines; everything else below `start` is not one. */
const SERVICES: readonly (readonly [RegExp, string])[] = [
  [/elastic-face\.ts\0start\0/, 'local cloud'],
  [/elastic-face\.ts\0web\0/, 'web'],
  [/elastic-face\.ts\0scaler\0/, 'scaler'],
  [/elastic-face\.ts\0worker\0/, 'worker'],
  [/inference\/child\.ts\0/, 'inference'],
  [/redis-server/, 'redis'],
];

/** Adds one sample of every service below `root`. */
export async function addSamples(samples: Samples, root: number, minute: number): Promise<void> {
  for (const pid of await treeOf(root)) {
    try {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      const service = SERVICES.find(([pattern]) => pattern.test(command))?.[1];
      if (service === undefined) continue;
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
      const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
      const name = `${service} (${pid})`;
      const series = samples.get(name) ?? [];
      series.push({ minute, residentMb: kilobytes / 1024, descriptors });
      samples.set(name, series);
    } catch (error) {
      // Gone between two looks.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}

/** Least squares: by how much y grows for 1 of x. 0 for fewer than two points. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (count < 2 || spread === 0) return 0;
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}

/** Asked: resident memory grows by less than this after the warm-up. */
const MOST_MB_A_MINUTE = 1;
/** Asked: flat. A connection more or less at the ends of a run is no leak. */
const MOST_DESCRIPTORS_A_MINUTE = 1;

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
    `${posted} photos in ${result.minutes} minutes, ${loadPerSecond.toFixed(1)} a second of the ${capacityPerSecond.toFixed(1)} that the workers can answer; ${failed} not answered with a name; half within ${p50Ms.toFixed(0)} ms, 99 % within ${p99Ms.toFixed(0)} ms.`,
    `Slopes after a warm-up of ${result.warmUpMinutes.toFixed(1)} minutes (asked: under ${MOST_MB_A_MINUTE} MB a minute, descriptors flat):`,
    '| service (process) | resident MB at the end | MB a minute | descriptors at the end | a minute |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    result.passed ? 'Nothing grows.' : 'Something grows or failed.',
  ].join('\n');
}
