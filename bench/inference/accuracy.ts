/**
 * How well each party tells people apart, from the embeddings of labelled photos: whatever its encoder, a photo's
 * nearest other photo should show the same person. Pure, except that the parties are asked.
 */
import { readFile } from 'node:fs/promises';
import { basename, parse } from 'node:path';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { findPortraits, portraits } from '../../convert/sources/portraits.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { type Contestant, dropOut } from './contestants.ts';
import { distinct, imagesIn } from './photos.ts';
import { type Accuracy, distanceOf } from './report/results.ts';

export interface LabelledPhoto {
  readonly path: string;
  readonly person: string;
}

/** What a party made of one labelled photo. */
export interface LabelledFace {
  readonly person: string;
  /** Of its largest face; undefined where the party finds none. */
  readonly embedding?: readonly number[] | undefined;
}

/** A photo without a face is neither found nor right. */
export function accuracyOf(faces: readonly LabelledFace[]): Accuracy {
  const found = faces.filter((one) => one.embedding !== undefined);
  const paired = faces.filter((one) => faces.some((other) => isSame(one, other)));
  const nearestRight = paired.filter(
    (one) => one.embedding !== undefined && nearestTo(one, found)?.person === one.person,
  );
  const pairs = found.flatMap((one, at) =>
    found.slice(at + 1).map((other) => ({
      same: one.person === other.person,
      distance: distanceOf(one.embedding!, other.embedding!),
    })),
  );
  const same = pairs.filter((pair) => pair.same);
  const apart = pairs.filter((pair) => !pair.same);
  const inOrder = same.reduce(
    (sum, { distance }) => sum + apart.filter((pair) => distance < pair.distance).length,
    0,
  );
  const comparisons = same.length * apart.length;
  return {
    photos: faces.length,
    found: found.length,
    paired: paired.length,
    nearestRight: nearestRight.length,
    ordered: comparisons === 0 ? undefined : inOrder / comparisons,
  };
}

function isSame(one: LabelledFace, other: LabelledFace): boolean {
  return one !== other && one.person === other.person;
}

function nearestTo(one: LabelledFace, faces: readonly LabelledFace[]): LabelledFace | undefined {
  const others = faces.filter((other) => other !== one);
  const distances = others.map((other) => distanceOf(one.embedding!, other.embedding!));
  return others[distances.indexOf(Math.min(...distances))];
}

/** Photos with labels that are at hand: the course's different ones, and the portraits of the registries. */
export async function labelledPhotos(): Promise<LabelledPhoto[]> {
  const course = await findCourseData(100).catch(() => undefined);
  const found = await findPortraits().catch(() => undefined);
  const photos: LabelledPhoto[] = [];
  if (course !== undefined) {
    const rows = (await readFile(course.results, 'utf8')).trim().split(/\r?\n/).slice(1);
    const people = new Map(rows.map((row) => row.split(',') as [string, string]));
    for (const path of await distinct(await imagesIn([course.images]))) {
      const person = people.get(parse(path).name);
      if (person !== undefined) photos.push({ path, person });
    }
  }
  if (found !== undefined) {
    const people = new Map(portraits.map(({ person, file }) => [file.names[0], person]));
    for (const path of await imagesIn([found.photos])) {
      const person = people.get(basename(path));
      if (person !== undefined) photos.push({ path, person });
    }
  }
  return photos;
}

/** Asks every party that takes whole photos, one photo after the other. */
export async function measureAccuracy(
  contestants: readonly Contestant[],
  photos: readonly LabelledPhoto[],
  onStep: OnStep,
): Promise<void> {
  for (const contestant of contestants) {
    const { party, peer, result } = contestant;
    if (peer === undefined || !party.photos || photos.length === 0) continue;
    const faces: LabelledFace[] = [];
    try {
      for (const [index, { path, person }] of photos.entries()) {
        onStep(`labelled photos, ${party.label}`, { done: index, all: photos.length });
        const { embedding } = await peer.ask({ do: 'photo', path });
        faces.push({ person, embedding });
      }
      result.accuracy = accuracyOf(faces);
    } catch (error) {
      await dropOut(contestant, error);
    }
  }
}
