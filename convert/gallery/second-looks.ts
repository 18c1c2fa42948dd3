/**
 * How many faces a bfloat16 encoder will have to leave to float32, as far as the gallery tells: the denser
 * it is, the more often two people are nearly as near. Knows no engine and no photos.
 */
import type { Gallery } from '../../model/match/gallery.ts';
import { GalleryMatcher } from '../../model/match/gallery-matcher.ts';

type People = Pick<Gallery, 'names' | 'embeddings'>;

/** People who are tried, spread over the gallery. */
const PROBES = 64;
/** At once, at most one person in so many is taken out of the gallery: the others still lie as dense. */
const HELD_OUT = 8;
/**
 * Distance (L2) of a photo to the same person's in the gallery: that of the course's photos, 0.76 to 0.98,
 * is 0.86 in the middle. Better photos lie nearer and are hardly ever open.
 */
const OWN_DISTANCE = 0.86;

/**
 * The share of faces that a second embedding is needed for, half of them being strangers' and half known
 * people's. A stranger is a person of the gallery whom it is asked for without them. A known face is one of
 * the gallery moved by `OWN_DISTANCE` towards a mixture of other people's.
 * @param bound of the manifest
 * @returns 0 to 1; the same for the same gallery
 */
export function shareOfSecondLooks(gallery: People, bound: number): number {
  const people = [...new Set(gallery.names)];
  if (people.length < 2) return 0;
  const folds = Math.min(HELD_OUT, people.length);
  const probes = spread(people, PROBES);
  const strangers = Array.from({ length: folds }, (_, fold) => {
    const held = probes.filter((_, at) => at % folds === fold);
    return held.length === 0
      ? 0
      : countOpen(without(gallery, new Set(held)), rowsOf(gallery, held), bound);
  }).reduce((sum, open) => sum + open, 0);
  const random = randomSigns();
  const known = rowsOf(gallery, probes).map((row) => moved(row, gallery, random));
  return (strangers + countOpen(gallery, known, bound)) / (2 * probes.length);
}

function countOpen(gallery: People, faces: readonly Float32Array[], bound: number): number {
  const matcher = GalleryMatcher.of(gallery);
  return faces.filter((face) => !matcher.isSettled(face, bound)).length;
}

/** The first embedding of each of these people. */
function rowsOf(people: People, persons: readonly string[]): Float32Array[] {
  return persons.map((person) => rowAt(people, people.names.indexOf(person)));
}

function rowAt({ names, embeddings }: People, row: number): Float32Array {
  const length = embeddings.length / names.length;
  return embeddings.subarray(row * length, (row + 1) * length);
}

function without(people: People, persons: ReadonlySet<string>): People {
  const { names, embeddings } = people;
  const length = embeddings.length / names.length;
  const kept = [...names.keys()].filter((row) => !persons.has(names[row]!));
  const rest = new Float32Array(kept.length * length);
  for (const [at, row] of kept.entries()) rest.set(rowAt(people, row), at * length);
  return { names: kept.map((row) => names[row]!), embeddings: rest };
}

/** On the unit sphere, at `OWN_DISTANCE`, in a direction in which faces differ. */
function moved(face: Float32Array, people: People, random: () => number): Float32Array {
  const direction = new Float64Array(face.length);
  for (const row of spread([...people.names.keys()], PROBES)) {
    const sign = random();
    for (const [at, value] of rowAt(people, row).entries()) direction[at]! += sign * value;
  }
  const along = direction.reduce((sum, value, at) => sum + value * face[at]!, 0);
  const across = direction.map((value, at) => value - along * face[at]!);
  const length = Math.hypot(...across) || 1;
  const cosine = 1 - OWN_DISTANCE ** 2 / 2;
  const sine = Math.sqrt(1 - cosine ** 2);
  return face.map((value, at) => cosine * value + (sine * across[at]!) / length);
}

function spread<T>(all: readonly T[], most: number): T[] {
  const step = Math.max(1, all.length / most);
  return Array.from({ length: Math.min(most, all.length) }, (_, at) => all[Math.floor(at * step)]!);
}

/** 1 and -1 at random, the same every time: Numerical Recipes' generator. */
function randomSigns(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 31 === 0 ? 1 : -1;
  };
}
