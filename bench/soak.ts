/**
 * Starts the whole system, measures the capacity of its workers, and keeps a share of that on it for a long
 * time; what each service takes meanwhile, by Linux’s /proc, and how steeply that grows.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureModel } from '../convert/ensure-model.ts';
import { findCourseData } from '../convert/sources/course-data.ts';
import { SettingsError } from '../runtime/errors.ts';
import { readSettings } from '../runtime/settings.ts';
import { listImages, readPredictions } from '../workload/photos.ts';
import { createPoster } from '../workload/post.ts';
import { BenchError } from './errors.ts';
import { treeOf } from './processes.ts';
import { quantile } from './service/figures.ts';
import { type Photos, postCrowd } from './service/load.ts';
import { type System, startSystem } from './service/own-system.ts';

/** Photos that measure the capacity of the workers, after others that warm them up. */
const WARM_UP_PHOTOS = 100;
const CAPACITY_PHOTOS = 300;
const CROWD = 20;
/** Photos under way at once, at most: far above what waits at 80 % load. */
const CONNECTIONS = 500;
const SAMPLE_MS = 5000;
/** Of the time, so much is warm-up: heaps and caches come to their size. */
const WARM_UP_SHARE = 1 / 3;
const MOST_WARM_UP_MINUTES = 10;

export interface SoakOptions {
  readonly minutes: number;
  readonly share: number;
  readonly workers: number;
}

/**
 * @throws {SettingsError} when an option cannot be
 * @throws {BenchError} when the system does not name photos right to begin with
 */
export async function soak(
  { minutes, share, workers }: SoakOptions,
  say: (line: string) => void,
): Promise<SoakResult> {
  if (!(minutes > 0 && share > 0 && share <= 1 && workers >= 1)) {
    throw new SettingsError(
      '--minutes must be above 0, --share from 0 to 1, --workers at least 1.',
    );
  }
  const settings = readSettings();
  await ensureModel(settings, say);
  const data = await findCourseData(1000);
  const photos = {
    images: await listImages(data.images),
    predictions: await readPredictions(data.results),
  };
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-soak-'));
  const { MODEL_DIR: modelDir, BACKEND: backend } = settings;
  const system = await startSystem({ folder, modelDir, backend, workers, kept: workers });
  try {
    await system.warm(workers);
    await postCrowd(system.url, photos, WARM_UP_PHOTOS, CROWD);
    const { photosPerSecond } = await postCrowd(system.url, photos, CAPACITY_PHOTOS, CROWD);
    const loadPerSecond = photosPerSecond * share;
    say(
      `The workers can answer ${photosPerSecond.toFixed(1)} photos per second; starting ${minutes} minutes of load.`,
    );
    const warmUpMinutes = Math.min(minutes * WARM_UP_SHARE, MOST_WARM_UP_MINUTES);
    const run = await steadyLoad(system, photos, loadPerSecond, minutes, say);
    const services = growth(run.samples, warmUpMinutes);
    const passed = run.failed === 0 && services.length > 0 && services.every((one) => one.isFlat);
    const { posted, failed, p50Ms, p99Ms } = run;
    const load = { capacityPerSecond: photosPerSecond, loadPerSecond, posted, failed };
    return { minutes, warmUpMinutes, ...load, p50Ms, p99Ms, services, passed };
  } finally {
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Posts at fixed times, whether or not answers have come: a slow system does not lower its own load. */
async function steadyLoad(
  system: System,
  { images, predictions }: Photos,
  perSecond: number,
  minutes: number,
  say: (line: string) => void,
) {
  const poster = createPoster(system.url, CONNECTIONS);
  const samples: Samples = new Map();
  const waits: number[] = [];
  const under = new Set<Promise<void>>();
  let failed = 0;
  let posted = 0;
  const begun = performance.now();
  const elapsed = (): number => performance.now() - begun;
  const post = async (number: number): Promise<void> => {
    const image = images[number % images.length]!;
    const at = performance.now();
    try {
      const { status, body } = await poster.post(image, new AbortController().signal);
      const [stem = '', name] = body.split(':');
      if (status !== 200 || predictions.get(stem) !== name) throw new BenchError(body);
      waits.push(performance.now() - at);
    } catch (error) {
      failed += 1;
      if (failed <= 5) say(`${image.name}: ${error}`);
    }
  };
  let nextSample = 0;
  try {
    while (elapsed() < minutes * 60_000) {
      for (const due = (elapsed() / 1000) * perSecond; posted < due; posted++) {
        const one: Promise<void> = post(posted).finally(() => under.delete(one));
        under.add(one);
      }
      if (elapsed() >= nextSample) {
        await addSamples(samples, system.pid, elapsed() / 60_000);
        nextSample += SAMPLE_MS;
      }
      await sleep(Math.min(1000 / perSecond, 100));
    }
    await Promise.all(under);
  } finally {
    poster.close();
  }
  return { samples, posted, failed, p50Ms: quantile(waits, 0.5), p99Ms: quantile(waits, 0.99) };
}

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

interface SoakResult {
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
