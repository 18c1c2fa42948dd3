/**
 * Whether odds keep their promise: people of the gallery are parted into known people and strangers many
 * times, the odds are measured on the known ones, and the strangers counted that come as near as promised.
 * Photos of other people are counted against the whole gallery.
 */
import { readFile } from 'node:fs/promises';
import { ensureModel } from '../../convert/ensure-model.ts';
import { photoFiles } from '../../model/command/photo-files.ts';
import { largestFace, loadRecognizer, type Recognizer } from '../../model/index.ts';
import { type Gallery, readGallery } from '../../model/match/gallery.ts';
import { GalleryMatcher } from '../../model/match/gallery-matcher.ts';
import { GalleryOdds } from '../../model/odds/gallery-odds.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';
import { type CourseDistances, courseDistances } from '../threshold/threshold.ts';

const PROMISES = [10, 100, 1000] as const;
const DEFAULT_SPLITS = 200;

/** How many strangers came as near as a promise says, over all splits. */
export interface Kept {
  readonly people: number;
  readonly promised: number;
  /** Tries and how many of them came as near. */
  readonly strangers: number;
  readonly near: number;
}

/**
 * @param images photos of strangers, one person each
 * @returns tables of promised and seen rates; ratios of few events are mostly chance
 */
export async function benchOdds(
  {
    images,
    splits = DEFAULT_SPLITS,
  }: { readonly images: readonly string[]; readonly splits?: number },
  onStep: OnStep,
): Promise<string> {
  const settings = readSettings();
  await ensureModel(settings, onStep);
  const gallery = await readGallery(settings.MODEL_DIR);
  const recognizer = await loadRecognizer(settings.MODEL_DIR, {
    backend: settings.BACKEND,
    precision: 'float32',
  });
  try {
    const kept = leavePeopleOut(gallery, splits, (done) => onStep('splits', { done, all: splits }));
    const strangers = await nearestDistances(recognizer, images, onStep);
    const course = await courseDistances(recognizer, onStep).catch(() => undefined);
    return reportOf(recognizer, { kept, splits, strangers, course });
  } finally {
    recognizer.dispose();
  }
}

/** Half of the people are known, the others are strangers; each with all their faces. */
export function leavePeopleOut(
  gallery: Gallery,
  splits: number,
  onSplit: (done: number) => void,
): Kept[] {
  const people = [...new Set(gallery.names)];
  const half = Math.floor(people.length / 2);
  const sizes = [...new Set([1, Math.min(10, half), half])].filter((size) => size > 0);
  const counts = new Map<string, { strangers: number; near: number }>();
  const random = randomFrom(1);
  for (let split = 0; split < splits; split++) {
    const order = people.map((name) => ({ name, at: random() })).sort((a, b) => a.at - b.at);
    const known = order.slice(0, half).map(({ name }) => name);
    const matcher = GalleryMatcher.of(partOf(gallery, new Set(known)));
    const measured = GalleryOdds.of(gallery.encoder, matcher);
    const others = partOf(gallery, new Set(order.slice(half).map(({ name }) => name)));
    for (const embedding of firstFaces(others)) {
      const distances = new Map(
        matcher.nearest(embedding, half).map((one) => [one.name, one.distance]),
      );
      for (const size of sizes) {
        // Galleries of a few of the known people, each person in one of them.
        for (let from = 0; from + size <= half; from += size) {
          const nearest = Math.min(
            ...known.slice(from, from + size).map((name) => distances.get(name)!),
          );
          for (const promised of PROMISES) {
            const key = `${size} ${promised}`;
            const count = counts.get(key) ?? { strangers: 0, near: 0 };
            counts.set(key, count);
            count.strangers++;
            if (nearest <= limitOf(measured, promised, size)) count.near++;
          }
        }
      }
    }
    onSplit(split + 1);
  }
  return sizes.flatMap((size) =>
    PROMISES.map((promised) => ({ people: size, promised, ...counts.get(`${size} ${promised}`)! })),
  );
}

const limits = new WeakMap<GalleryOdds, Map<string, number>>();

function limitOf(odds: GalleryOdds, promised: number, people: number): number {
  const found = limits.get(odds) ?? new Map<string, number>();
  limits.set(odds, found);
  const key = `${promised} ${people}`;
  const limit = found.get(key) ?? odds.distanceAt(promised, people);
  found.set(key, limit);
  return limit;
}

function partOf({ encoder, names, embeddings }: Gallery, people: ReadonlySet<string>): Gallery {
  const length = embeddings.length / names.length;
  const rows = [...names.keys()].filter((row) => people.has(names[row]!));
  const part = new Float32Array(rows.length * length);
  for (const [at, row] of rows.entries()) {
    part.set(embeddings.subarray(row * length, (row + 1) * length), at * length);
  }
  return { encoder, names: rows.map((row) => names[row]!), embeddings: part };
}

function firstFaces({ names, embeddings }: Gallery): Float32Array[] {
  const length = embeddings.length / names.length;
  return [...new Set(names)].map((name) => {
    const row = names.indexOf(name);
    return embeddings.slice(row * length, (row + 1) * length);
  });
}

/** Park-Miller: the same splits each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** From each photo's largest face to the nearest person of the gallery. */
async function nearestDistances(
  recognizer: Recognizer,
  images: readonly string[],
  onStep: OnStep,
): Promise<number[]> {
  const photos = images.length === 0 ? [] : await photoFiles(images);
  const distances: number[] = [];
  for (const [done, photo] of photos.entries()) {
    onStep('photos', { done, all: photos.length });
    if ('error' in photo) throw photo.error;
    try {
      const face = largestFace(await recognizer.recognize(await readFile(photo.path), { top: 1 }));
      if (face?.nearest[0] !== undefined) distances.push(face.nearest[0].distance);
    } catch (error) {
      onStep(`${photo.path}: ${messageOf(error)}`);
    }
  }
  return distances;
}

interface Measured {
  readonly kept: readonly Kept[];
  readonly splits: number;
  readonly strangers: readonly number[];
  readonly course: CourseDistances | undefined;
}

function reportOf(
  { odds, people, encoder }: Recognizer,
  { kept, splits, strangers, course }: Measured,
): string {
  const lines = [
    `People left out, ${splits} splits of the ${people} people of the ${encoder.kind} gallery:`,
    '',
    '| people in the gallery | promised | seen | seen / promised |',
    '| --- | --- | --- | --- |',
    ...kept.map(rowOf),
  ];
  const whole = (title: string, distances: readonly number[]): string[] => [
    '',
    title,
    '',
    '| people in the gallery | promised | seen | seen / promised |',
    '| --- | --- | --- | --- |',
    ...[3, ...PROMISES].map((promised) => {
      const limit = odds.distanceAt(promised);
      const near = distances.filter((distance) => distance <= limit).length;
      return rowOf({ people, promised, strangers: distances.length, near });
    }),
  ];
  if (strangers.length > 0)
    lines.push(...whole(`${strangers.length} photos of strangers:`, strangers));
  if (course === undefined) return lines.join('\n');
  lines.push(...whole('The course’s photos, with the entry of each left out:', course.stranger));
  lines.push(
    '',
    '| known by | below | own entry is known | a stranger is known |',
    '| --- | --- | --- | --- |',
  );
  const rules: [string, number][] = [
    [`the distance of ${encoder.kind}`, encoder.knownDistance],
    ...PROMISES.map((least): [string, number] => [`odds of ${least}`, odds.distanceAt(least)]),
  ];
  for (const [rule, limit] of rules) {
    const share = (distances: readonly number[]): string =>
      `${distances.filter((distance) => distance < limit).length} of ${distances.length}`;
    lines.push(
      `| ${rule} | ${limit.toFixed(2)} | ${share(course.own)} | ${share(course.stranger)} |`,
    );
  }
  return lines.join('\n');
}

function rowOf({ people, promised, strangers, near }: Kept): string {
  const ratio = (near / strangers) * promised;
  return `| ${people} | 1 in ${promised} | ${near} of ${strangers} | ${ratio.toFixed(2)} |`;
}
