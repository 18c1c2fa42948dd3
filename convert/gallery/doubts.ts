/** Photos of a gallery that a person should look at again. They are in the gallery all the same. */
import type { EncoderKind } from '../../model/format.ts';
import { GalleryMatcher, type Neighbour } from '../../model/match/gallery-matcher.ts';
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
  const people = Map.groupBy(photos, ({ person }) => person);
  const everybody = matcherOf(photos, ({ person }) => person);
  const ownPhotos = new Map([...people].map(([person, own]) => [person, matcherOf(own, pathOf)]));
  for (const photo of photos) {
    const { path, person, faceWidth, turned, embedding } = photo;
    if (turned !== 0) {
      doubts.push(`${path} has its face upright only when turned by ${turned}°: it was turned`);
    }
    if (faceWidth < SMALL_FACE) {
      doubts.push(
        `${path} has a face of ${Math.round(faceWidth)} pixels only: ${SMALL_FACE} should be the least`,
      );
    }
    const own = nearestOther(ownPhotos.get(person)!, embedding, path);
    const strange = nearestOther(everybody, embedding, person);
    if (strange === undefined || strange.distance >= (own?.distance ?? ONE_PERSON[encoder]))
      continue;
    const [theirs] = ownPhotos.get(strange.name)!.nearest(embedding, 1);
    doubts.push(
      `${path} is nearer to ${theirs!.name} (${strange.distance.toFixed(2)}) ` +
        (own === undefined
          ? 'than different people are: is it one person?'
          : `than to the other photos of ${person} (${own.distance.toFixed(2)}): whose is it?`),
    );
  }
  return doubts;
}

const pathOf = ({ path }: UsedPhoto): string => path;

function matcherOf(
  photos: readonly UsedPhoto[],
  nameOf: (photo: UsedPhoto) => string,
): GalleryMatcher {
  const length = photos[0]?.embedding.length ?? 0;
  const embeddings = new Float32Array(photos.length * length);
  for (const [row, { embedding }] of photos.entries()) embeddings.set(embedding, row * length);
  return GalleryMatcher.of({ names: photos.map(nameOf), embeddings });
}

/** The nearest that has another name than this one. */
function nearestOther(
  matcher: GalleryMatcher,
  embedding: Float32Array,
  name: string,
): Neighbour | undefined {
  return matcher.nearest(embedding, 2).find((one) => one.name !== name);
}
