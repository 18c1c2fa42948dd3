/**
 * `npm run bench -- service`: the whole system beside inference alone and beside the course's design in
 * Python, round by round on the same machine. Says what it does; what the figures are is in figures.ts.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureModel } from '../../convert/ensure-model.ts';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { readManifest } from '../../model/manifest.ts';
import { fastestPrecision } from '../../model/precision/fastest.ts';
import { messageOf } from '../../runtime/errors.ts';
import { EXIT } from '../../runtime/process/exit.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';
import { listImages, readPredictions } from '../../workload/photos.ts';
import { openPython } from '../python.ts';
import { drawService, figures, processorTable, type Round, table } from './figures.ts';
import { type Photos, postCrowd, postOneByOne } from './load.ts';
import { inferenceAlone, type SystemOptions, startSystem } from './own-system.ts';
import {
  PYTHON_SERVICES,
  type PythonService,
  startCourseDesign,
  startSynchronousService,
} from './python-services.ts';

const WORKERS = 2;
const CONNECTIONS = 100;
const BURST = 10;
/** Photos one by one, or fewer in a short run; the 99th percentile is the worst but two. */
const UNLOADED = 200;
/** Before a crowd that counts: connections, compiled code, caches. */
const WARM_UP = 40;

export interface ServiceBenchOptions {
  readonly photos: number;
  readonly rounds: number;
  /** A Python that has torch, facenet-pytorch, Flask and boto3; unset: one is made. */
  readonly python?: string | undefined;
  /** Folder for the picture. */
  readonly pictures?: string | undefined;
  readonly json: boolean;
}

interface Course extends Photos {
  readonly folder: string;
}

/** What is reported of a round. */
const STEPS_A_ROUND = 6;

/** @param say told what is going on; the answer is the report */
export async function benchService(
  options: ServiceBenchOptions,
  say: (words: string) => void,
  onStep: OnStep,
): Promise<string> {
  const { images: folder, results } = await findCourseData(1000);
  const course: Course = {
    folder,
    images: await listImages(folder),
    predictions: await readPredictions(results),
  };
  const settings = readSettings();
  await ensureModel(settings, say);
  const python = await openPython({ ...PYTHON_SERVICES, python: options.python }, say).catch(
    (error: unknown) => {
      say(`Without the services in Python: ${messageOf(error)}`);
      return undefined;
    },
  );
  const scratch = await mkdtemp(join(tmpdir(), 'elastic-face-bench-'));
  const rounds: Round[] = [];
  // So that the processes of the party in work are ended too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(EXIT.interrupted));
  try {
    for (let round = 1; round <= options.rounds; round++) {
      let step = (round - 1) * STEPS_A_ROUND;
      const tell = (words: string): void => {
        say(`round ${round} of ${options.rounds}: ${words}`);
        onStep('the whole service', { done: step++, all: options.rounds * STEPS_A_ROUND });
      };
      rounds.push(await oneRound(options.photos, course, settings, python, scratch, tell));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  if (options.pictures !== undefined) {
    const title = `Photos a second, ${WORKERS} workers of one thread, ${CONNECTIONS} connections`;
    await writeFile(join(options.pictures, 'service.svg'), drawService(rounds, title));
  }
  if (options.json) return JSON.stringify(rounds);
  const manifest = await readManifest(settings.MODEL_DIR);
  const { precision: here } = await fastestPrecision(settings.MODEL_DIR, manifest, { threads: 1 });
  const ran = settings.PRECISION === 'auto' ? here : settings.PRECISION;
  return `${table(figures(rounds, ran, here === 'bfloat16'))}\n\n${processorTable(rounds)}`;
}

async function oneRound(
  photos: number,
  course: Course,
  { MODEL_DIR, BACKEND, PRECISION, FACE_CHECKPOINTS }: ReturnType<typeof readSettings>,
  python: string | undefined,
  scratch: string,
  say: (words: string) => void,
): Promise<Round> {
  const system: SystemOptions = {
    folder: join(scratch, 'ours'),
    modelDir: MODEL_DIR,
    backend: BACKEND,
    workers: WORKERS,
    kept: 0,
  };
  say('inference alone');
  const alone = await inferenceAlone({
    modelDir: MODEL_DIR,
    backend: BACKEND,
    precision: PRECISION,
    processes: WORKERS,
    images: course.folder,
    photos,
  });
  const rate = (perSecond: number): string => `${perSecond.toFixed(1)} photos/s`;
  // Said at once: a run that is cut short has then still told something.
  say(`inference alone: ${rate(alone.photosPerSecond)}; this project, warm`);
  const warm = await measureWarm({ ...system, kept: WORKERS }, course, photos);
  say(`warm: ${rate(warm.warmPerSecond)}; this project, a burst from zero`);
  const burst = await measureFromZero(system, course, BURST);
  say(`first answer after ${burst.firstMs.toFixed(0)} ms; this project, a crowd from zero`);
  const crowd = await measureFromZero(system, course, photos);
  const next = python === undefined ? 'done' : 'the course’s design in Python';
  say(`from zero: ${rate(crowd.photosPerSecond)}; ${next}`);
  const inPython =
    python === undefined
      ? {}
      : await measurePython(python, scratch, course, {
          photos,
          checkpoints: FACE_CHECKPOINTS,
          say: (perSecond) => say(`${rate(perSecond)}; a synchronous service in Python`),
        });
  return {
    ...warm,
    ...inPython,
    alonePerSecond: alone.photosPerSecond,
    aloneProcessorMs: alone.processorSeconds && alone.processorSeconds * 1000,
    firstFromZeroMs: burst.firstMs,
    fromZeroPerSecond: crowd.photosPerSecond,
  };
}

async function measureWarm(options: SystemOptions, course: Course, photos: number) {
  const system = await startSystem(options);
  try {
    const [ready] = await system.warm(WORKERS);
    await postCrowd(system.url, course, WARM_UP, WORKERS);
    const singles = await postOneByOne(system.url, course, Math.min(UNLOADED, photos));
    const steps = await system.answered(singles.map(({ id }) => id));
    const unloaded = singles.map(({ ms: whole }, at) => {
      const { decode = 0, detect = 0, embed = 0, match = 0 } = steps[at] ?? {};
      return { whole, recognition: decode + detect + embed + match };
    });
    const before = await system.processorSeconds();
    const client = process.cpuUsage();
    const { photosPerSecond } = await postCrowd(system.url, course, photos, CONNECTIONS);
    const { user, system: kernel } = process.cpuUsage(client);
    const after = await system.processorSeconds();
    const processorMs = Object.entries(after).map(
      ([part, seconds]) => [part, ((seconds - (before[part] ?? 0)) * 1000) / photos] as const,
    );
    return {
      warmPerSecond: photosPerSecond,
      processorMs: {
        ...Object.fromEntries(processorMs),
        'the bench, as the clients': (user + kernel) / 1000 / photos,
      },
      unloaded,
      readyMs: ready?.readyMs,
      memory: await ready?.memory(),
    };
  } finally {
    await system.stop();
  }
}

async function measureFromZero(options: SystemOptions, course: Course, photos: number) {
  const system = await startSystem(options);
  try {
    return await postCrowd(system.url, course, photos, Math.min(photos, CONNECTIONS));
  } finally {
    await system.stop();
  }
}

async function measurePython(
  python: string,
  scratch: string,
  course: Course,
  options: {
    photos: number;
    checkpoints: string | undefined;
    say: (coursePerSecond: number) => void;
  },
): Promise<Pick<Round, 'course' | 'synchronous'>> {
  const { photos, checkpoints, say } = options;
  const settings = {
    python,
    folder: join(scratch, 'course'),
    workers: WORKERS,
    photo: course.images[0]!.path,
    checkpoints,
  };
  const design = await measureService(await startCourseDesign(settings), course, photos);
  say(design.photosPerSecond);
  const service = await startSynchronousService(settings);
  return { course: design, synchronous: await measureService(service, course, photos) };
}

async function measureService(service: PythonService, course: Course, photos: number) {
  try {
    await postCrowd(service.url, course, WARM_UP, WORKERS);
    const singles = await postOneByOne(service.url, course, Math.min(UNLOADED, photos) / 4);
    const { photosPerSecond } = await postCrowd(service.url, course, photos, CONNECTIONS);
    return { photosPerSecond, unloaded: singles.map(({ ms }) => ms) };
  } finally {
    await service.stop();
  }
}
