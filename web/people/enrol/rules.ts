/** Which faces of a worker's result may be enrolled, and which of them are doubtful. Pure. */
import type { WorkFace, WorkResult } from '../../../cloud/contract/people-work.ts';
import type { Doubt } from '../../../people/api.ts';
import { peopleError, photoWords } from '../errors.ts';

/** A second face of at least this share of the largest one's area is as likely the person who is meant. */
const SIMILAR_AREA = 0.4;
const MOST_DOUBTS = 10;

export interface EnrolledFace {
  readonly id: string;
  readonly face: WorkFace;
  readonly embedding: Float32Array;
  /** Index of its photo in the form. */
  readonly photo: number;
}

export interface FaceRules {
  readonly acceptLowQuality: boolean;
  /** Names of the photos' files, as their client sent them. */
  readonly files: readonly (string | undefined)[];
}

/**
 * One face of each photo.
 * @throws {HttpError} 422 that names the photo
 */
export function facesToEnrol(
  result: WorkResult,
  ids: readonly string[],
  rules: FaceRules,
): EnrolledFace[] {
  return result.photos.map((photo, index) => {
    const words = photoWords(index, rules.files[index]);
    if ('refused' in photo) throw peopleError.brokenPhoto(words, photo.refused.message);
    const face = soleFace(photo.faces, words);
    checkQuality(face, words, rules.acceptLowQuality);
    return { id: ids[index] ?? '', face, embedding: embeddingOf(face), photo: index };
  });
}

/** @throws {HttpError} 422 where there is no face, or it is not clear which one is meant */
function soleFace(faces: readonly WorkFace[], photo: string): WorkFace {
  const bySize = [...faces].sort((a, b) => areaOf(b) - areaOf(a));
  const [largest] = bySize;
  if (largest === undefined) throw peopleError.noFace(photo);
  const similar = bySize.filter((face) => areaOf(face) >= SIMILAR_AREA * areaOf(largest));
  if (similar.length > 1) throw peopleError.severalFaces(photo, similar.length);
  return largest;
}

/** @throws {HttpError} 422 with every reason */
export function checkQuality({ quality }: WorkFace, photo: string, acceptLow: boolean): void {
  const { reasons = [] } = quality ?? {};
  if (!acceptLow && reasons.length > 0) throw peopleError.lowQuality(photo, reasons);
}

function areaOf({ box: [x1, y1, x2, y2] }: WorkFace): number {
  return (x2 - x1) * (y2 - y1);
}

export function embeddingOf({ embedding = '' }: Pick<WorkFace, 'embedding'>): Float32Array {
  const bytes = Buffer.from(embedding, 'base64');
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/**
 * What somebody should look at before the person is trusted: other people who look alike, and photos that may
 * show two people. Most doubtful first.
 * @param person who is enrolled
 */
export function doubtsOf(
  faces: readonly EnrolledFace[],
  result: WorkResult,
  person: string,
): Doubt[] {
  return [...otherPeople(faces, person), ...photosApart(faces, result)]
    .sort((a, b) => (b.odds ?? 0) - (a.odds ?? 0))
    .slice(0, MOST_DOUBTS);
}

function otherPeople(faces: readonly EnrolledFace[], enrolled: string): Doubt[] {
  const nearest = new Map<string, Doubt>();
  for (const { id, face, photo } of faces) {
    for (const { person, name, distance, odds, known } of face.nearest ?? []) {
      if (known !== true || person === undefined || person === enrolled) continue;
      if (distance >= (nearest.get(person)?.distance ?? Number.POSITIVE_INFINITY)) continue;
      nearest.set(person, {
        kind: 'looks-like',
        face: id,
        person,
        name,
        distance,
        odds,
        message: `Photo ${photo + 1} also looks like ${name} (distance ${distance.toFixed(2)}).`,
      });
    }
  }
  return [...nearest.values()];
}

/** `pairs` of an enrolment: each photo's face after the first against that of the first photo. */
function photosApart(faces: readonly EnrolledFace[], { pairs = [] }: WorkResult): Doubt[] {
  return pairs.flatMap(({ same, distance }, index): Doubt[] => {
    const face = faces[index + 1];
    if (same || face === undefined) return [];
    return [
      {
        kind: 'photos-differ',
        face: face.id,
        distance,
        message: `Photos 1 and ${face.photo + 1} may show two different people (distance ${distance.toFixed(2)}).`,
      },
    ];
  });
}
