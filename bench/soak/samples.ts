/** What each service takes over time, by Linux's /proc, and how steeply it grows. Starts nothing. */
import { readdir, readFile } from 'node:fs/promises';
import { treeOf } from '../service/memory.ts';

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
