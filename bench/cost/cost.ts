/**
 * `npm run bench -- cost`: dollars per million photos and per idle month, from the speed and the calls
 * measured here and from AWS's prices.
 */
import { cpus } from 'node:os';
import { ensureModel } from '../../convert/ensure-model.ts';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { readSettings } from '../../runtime/settings.ts';
import { listImages, readPredictions } from '../../workload/photos.ts';
import { writeDocsPart } from '../output.ts';
import { inferenceAlone } from '../service/own-system.ts';
import {
  ASSUMPTIONS,
  type Assumptions,
  assume,
  type IdleMonth,
  INSTANCE_TYPES,
  idleMonth,
  type Measured,
  type MillionPhotos,
  millionPhotos,
} from './bill.ts';
import { countCalls } from './calls.ts';

export interface CostBenchOptions {
  readonly photos: number;
  /** `NAME=NUMBER` each. */
  readonly assumptions: readonly string[];
  readonly docs?: string | undefined;
  readonly json: boolean;
}

/** @param say told what is going on; the answer is the report */
export async function benchCost(
  { photos, assumptions, docs, json }: CostBenchOptions,
  say: (words: string) => void,
): Promise<string> {
  const assumed = assume(assumptions);
  const { images: folder, results } = await findCourseData(1000);
  const course = { images: await listImages(folder), predictions: await readPredictions(results) };
  const settings = readSettings();
  await ensureModel(settings, say);
  const { MODEL_DIR: modelDir, BACKEND: backend } = settings;
  say('recognition on one processor');
  const { photosPerSecond } = await inferenceAlone({
    modelDir,
    backend,
    precision: settings.PRECISION,
    processes: 1,
    images: folder,
    photos: Math.min(photos, 200),
  });
  const measured: Measured = {
    photosPerSecond,
    ...(await countCalls(course, { modelDir, backend, photos, say })),
  };
  const millions = INSTANCE_TYPES.map((type) => millionPhotos(type, measured, assumed));
  const idle = idleMonth(measured, assumed);
  const report = costReport({ measured, assumed, millions, idle });
  if (docs !== undefined) await writeDocsPart(docs, report);
  return json ? JSON.stringify({ measured, assumed, millions, idle }) : report;
}

export interface CostResults {
  readonly measured: Measured;
  readonly assumed: Assumptions;
  readonly millions: readonly MillionPhotos[];
  readonly idle: IdleMonth;
}

const dollars = (value: number): string => value.toFixed(2);
const calls = (value: number): string => value.toFixed(2);

function costReport({ measured, assumed, millions, idle }: CostResults): string {
  const { perPhoto, perIdleHour } = measured;
  const machine = cpus()[0]?.model ?? 'an unknown processor';
  const speed = measured.photosPerSecond.toFixed(1);
  const changed = Object.entries(assumed)
    .filter(([name, value]) => ASSUMPTIONS[name] !== value)
    .map(([name, value]) => `${name}=${value}`);
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}: ${speed} course photos a second on one processor.`,
    ...(changed.length > 0 ? [`Assumed otherwise: ${changed.join(', ')}.`] : []),
    '',
    '| calls that are billed | SQS | S3 writes | S3 reads |',
    '| --- | --- | --- | --- |',
    `| a photo, in a crowd | ${calls(perPhoto.sqs)} | ${calls(perPhoto.s3Writes)} | ${calls(perPhoto.s3Reads)} |`,
    `| an hour without work | ${perIdleHour.sqs.toFixed(0)} | ${perIdleHour.s3Writes.toFixed(0)} | ${perIdleHour.s3Reads.toFixed(0)} |`,
    '',
    '| dollars a million photos, workers on | photos a second | instance-hours | instances | SQS | S3 calls | S3 storage | logs | in all |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...millions.map(
      ({ type, photosPerSecond, hours, instances, sqs, s3Calls, s3Storage, logs, sum }) =>
        `| ${type} | ${photosPerSecond.toFixed(1)} | ${hours.toFixed(1)} | ${[instances, sqs, s3Calls, s3Storage, logs, sum].map(dollars).join(' | ')} |`,
    ),
    '',
    '| dollars a month without a photo | |',
    '| --- | --- |',
    `| workers | ${dollars(idle.workers)} |`,
    `| web instance, its disk and address | ${dollars(idle.web)} |`,
    `| calls of web tier and scaler | ${dollars(idle.calls)} |`,
    `| alarms | ${dollars(idle.alarms)} |`,
    `| in all, with plain HTTP | ${dollars(idle.sum)} |`,
    `| load balancer and its addresses | ${dollars(idle.balancer)} |`,
    `| in all, with HTTPS | ${dollars(idle.sumWithHttps)} |`,
  ].join('\n');
}
