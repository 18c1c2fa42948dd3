/**
 * `npm run bench -- cost`: dollars per million photos and per idle month, from the speed and the calls
 * measured here and from AWS's prices.
 */

import { ensureModel } from '../../convert/ensure-model.ts';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { readSettings } from '../../runtime/settings.ts';
import { listImages } from '../../workload/images.ts';
import { readPredictions } from '../../workload/predictions.ts';
import { writeDocsPart } from '../docs-part.ts';
import { inferenceAlone } from '../service/ours.ts';
import { assume } from './assumptions.ts';
import { INSTANCE_TYPES, idleMonth, type Measured, millionPhotos } from './bill.ts';
import { countCalls } from './calls.ts';
import { costReport } from './report.ts';

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
  const photosPerSecond = await inferenceAlone({
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
