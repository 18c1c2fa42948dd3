/**
 * From which distance on the nearest person is no longer taken for the one in the photo: measured on the
 * course's photos, each as the person it shows and as a stranger, with that person left out.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { ensureModel } from '../../convert/ensure-model.ts';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { readGallery } from '../../model/gallery.ts';
import { largestFace, loadRecognizer } from '../../model/index.ts';
import { Matcher } from '../../model/match.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';
import { reportOf } from './report.ts';

/** @returns a table of both errors by threshold */
export async function benchThreshold(onStep: OnStep): Promise<string> {
  const settings = readSettings();
  await ensureModel(settings, onStep);
  const { images, results } = await findCourseData(1000);
  const people = namesOf(await readFile(results, 'utf8'));
  const recognizer = await loadRecognizer(settings.MODEL_DIR, {
    backend: settings.BACKEND,
    precision: 'float32',
  });
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
  recognizer.dispose();
  const gallery = await leftOut(settings.MODEL_DIR);
  const known = settings.KNOWN_DISTANCE ?? recognizer.encoder.knownDistance;
  return reportOf({ own, stranger, gallery }, known);
}

/** How far each of the gallery's people is from the nearest other one. */
async function leftOut(directory: string): Promise<number[]> {
  const gallery = await readGallery(directory);
  const matcher = new Matcher(gallery);
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
