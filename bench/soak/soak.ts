/**
 * Starts the whole system, measures the capacity of its workers, and keeps a share of that on it for a long
 * time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureModel } from '../../convert/ensure-model.ts';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { SettingsError } from '../../runtime/errors.ts';
import { readSettings } from '../../runtime/settings.ts';
import { listImages, readPredictions } from '../../workload/photos.ts';
import { createPoster } from '../../workload/post.ts';
import { BenchError } from '../errors.ts';
import { quantile } from '../service/figures.ts';
import { type Photos, postCrowd } from '../service/load.ts';
import { type System, startSystem } from '../service/own-system.ts';
import { addSamples, growth, type Samples, type SoakResult } from './report.ts';

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
