/**
 * From which distance on the nearest person is no longer taken for the one in the photo: measured on the
 * course's photos, each as the person it shows and as a stranger, with that person left out.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { ensureModel } from '../../convert/ensure-model.ts';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { largestFace, loadRecognizer, type Recognizer } from '../../model/index.ts';
import { readGallery } from '../../model/match/gallery.ts';
import { GalleryMatcher } from '../../model/match/gallery-matcher.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';

/** @returns a table of both errors by threshold */
export async function benchThreshold(onStep: OnStep): Promise<string> {
  const settings = readSettings();
  await ensureModel(settings, onStep);
  const recognizer = await loadRecognizer(settings.MODEL_DIR, {
    backend: settings.BACKEND,
    precision: 'float32',
  });
  const { own, stranger } = await courseDistances(recognizer, onStep);
  recognizer.dispose();
  const gallery = await leftOut(settings.MODEL_DIR);
  const known = settings.KNOWN_DISTANCE ?? recognizer.encoder.knownDistance;
  return reportOf({ own, stranger, gallery }, known);
}

/** The course's photos, each as the person it shows and as a stranger. */
export async function courseDistances(
  recognizer: Recognizer,
  onStep: OnStep,
): Promise<CourseDistances> {
  const { images, results } = await findCourseData(1000);
  const people = namesOf(await readFile(results, 'utf8'));
  const own: number[] = [];
  const stranger: number[] = [];
  const files = (await readdir(images)).sort();
  const seen = new Set<string>();
  for (const [index, file] of files.entries()) {
    onStep('photos', { done: index, all: files.length });
    const photo = await readFile(join(images, file));
    const digest = createHash('sha256').update(photo).digest('hex');
    // The course's set is a few photos under many names.
    if (seen.has(digest)) continue;
    seen.add(digest);
    const found = await recognizer.recognize(photo, { top: recognizer.people });
    const person = people.get(parse(file).name);
    const nearest = largestFace(found)?.nearest ?? [];
    own.push(...nearest.filter(({ name }) => name === person).map(({ distance }) => distance));
    const other = nearest.find(({ name }) => name !== person);
    if (other !== undefined) stranger.push(other.distance);
  }
  return { own, stranger };
}

/** How far each of the gallery's people is from the nearest other one. */
async function leftOut(directory: string): Promise<number[]> {
  const gallery = await readGallery(directory);
  const matcher = GalleryMatcher.of(gallery);
  const length = gallery.embeddings.length / gallery.names.length;
  return gallery.names.flatMap((person, row) => {
    const embedding = gallery.embeddings.slice(row * length, (row + 1) * length);
    const others = matcher.nearest(embedding, 2).filter(({ name }) => name !== person);
    return others.slice(0, 1).map(({ distance }) => distance);
  });
}

/** The course's CSV: Image (the stem), Results (the name). */
function namesOf(csv: string): Map<string, string> {
  const rows = csv.trim().split(/\r?\n/).slice(1);
  return new Map(rows.map((row) => row.split(',') as [string, string]));
}

export interface CourseDistances {
  /** Of faces from their own entry. */
  readonly own: readonly number[];
  /** Of the same faces from the nearest other entry: as if their own were not there. */
  readonly stranger: readonly number[];
}

export interface Distances extends CourseDistances {
  /** Of the gallery's people from the nearest other one. */
  readonly gallery: readonly number[];
}

const STEP = 0.01;

/** @param chosen the threshold that is set */
export function reportOf({ own, stranger, gallery }: Distances, chosen: number): string {
  const all = [...own, ...stranger, ...gallery];
  const [from, to] = [Math.min(...all), Math.max(...all)].map((one) => Math.round(one / STEP));
  const rows: string[] = [];
  for (let step = from as number; step <= (to as number) + 1; step++) {
    const threshold = step * STEP;
    const cells = [
      threshold.toFixed(2) + (Math.abs(threshold - chosen) < STEP / 2 ? ' (set)' : ''),
      share(own, (one) => one >= threshold),
      share(stranger, (one) => one < threshold),
      share(gallery, (one) => one < threshold),
    ];
    rows.push(`| ${cells.join(' | ')} |`);
  }
  return [
    `${own.length} different faces; ${gallery.length} people in the gallery.`,
    `Both errors on the photos are most nearly equal at ${equalError(own, stranger).toFixed(2)}.`,
    '',
    '| below this is known | own entry refused | stranger taken | gallery entries taken for another |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/**
 * The threshold at which as great a share of `own` is refused as of `stranger` is taken; of several, the
 * one in their middle.
 */
export function equalError(own: readonly number[], stranger: readonly number[]): number {
  const apart = (threshold: number): number =>
    Math.abs(
      own.filter((one) => one >= threshold).length / own.length -
        stranger.filter((one) => one < threshold).length / stranger.length,
    );
  const steps = Array.from({ length: 2 / STEP + 1 }, (_, step) => step * STEP);
  const least = Math.min(...steps.map(apart));
  const best = steps.filter((step) => apart(step) - least < 1e-9);
  return best[Math.floor((best.length - 1) / 2)] as number;
}

function share(distances: readonly number[], counts: (distance: number) => boolean): string {
  const count = distances.filter(counts).length;
  return `${count} of ${distances.length} (${((100 * count) / distances.length).toFixed(0)} %)`;
}
