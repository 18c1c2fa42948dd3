/** Photos of a gallery that a person should look at again. They are in the gallery all the same. */
import type { EncoderKind } from '../model/format.ts';
import type { UsedPhoto } from './gallery-photos.ts';

/**
 * Different people are rarely this near: 2 of 4005 pairs in the course's gallery, by facenet; fewer than
 * 1 of 100 pairs of strangers, by compact.
 */
const ONE_PERSON: Readonly<Record<EncoderKind, number>> = { facenet: 0.7, compact: 0.5 };
/** px; below it the distance to a large photo of the same person grows fast: see docs/enrol.md. */
const SMALL_FACE = 40;

/** One sentence each. */
export function galleryDoubts(photos: readonly UsedPhoto[], encoder: EncoderKind): string[] {
  const doubts: string[] = [];
  for (const photo of photos) {
    const { path, person, faceWidth } = photo;
    if (faceWidth < SMALL_FACE) {
      doubts.push(
        `${path} has a face of ${Math.round(faceWidth)} pixels only: ${SMALL_FACE} should be the least`,
      );
    }
    const own = nearest(photo, photos, (other) => other !== photo && other.person === person);
    const strange = nearest(photo, photos, (other) => other.person !== person);
    if (strange === undefined || strange.distance >= (own?.distance ?? ONE_PERSON[encoder]))
      continue;
    doubts.push(
      `${path} is nearer to ${strange.photo.path} (${strange.distance.toFixed(2)}) ` +
        (own === undefined
          ? 'than different people are: is it one person?'
          : `than to the other photos of ${person} (${own.distance.toFixed(2)}): whose is it?`),
    );
  }
  return doubts;
}

function nearest(
  { embedding }: UsedPhoto,
  photos: readonly UsedPhoto[],
  counts: (other: UsedPhoto) => boolean,
): { photo: UsedPhoto; distance: number } | undefined {
  let found: { photo: UsedPhoto; distance: number } | undefined;
  for (const photo of photos) {
    if (!counts(photo)) continue;
    const distance = distanceOf(embedding, photo.embedding);
    if (found === undefined || distance < found.distance) found = { photo, distance };
  }
  return found;
}

function distanceOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at]! - b[at]!) ** 2;
  return Math.sqrt(sum);
}
