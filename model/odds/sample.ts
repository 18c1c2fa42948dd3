/**
 * Measures distances between different people of a gallery, on a bounded sample: the same work for a
 * thousand people as for a million.
 */
import { type GalleryMatcher, LEFT_OUT } from '../match/gallery-matcher.ts';
import { type Calibration, calibrate, type GallerySample, shareWithin } from './calibration.ts';

/** 300 people make 45,000 pairs: 0.2 s of one thread with facenet's embeddings. */
const SAMPLED_PEOPLE = 300;
/** More faces of a person hardly bring a stranger nearer than these. */
const SAMPLED_FACES = 4;
/** Fewer people leave the tail to chance. */
const LEAST_PEOPLE = 15;

export function sampleGallery(matcher: GalleryMatcher): GallerySample {
  const facesEach = matcher.people === 0 ? 1 : matcher.faces / matcher.people;
  const people = someFaces(matcher);
  const most = people.length < LEAST_PEOPLE ? undefined : measure(people);
  // Nothing is known of how alike the faces of one person are: each may be another try.
  if (most === undefined) return { tries: facesEach };
  const { calibration, sampledEach, ratio } = most;
  // The least of m alike draws counts as m^b independent ones, b from what m faces did in the sample.
  const b = sampledEach > 1 ? Math.log(ratio) / Math.log(sampledEach) : 0;
  return { calibration, tries: facesEach ** Math.min(Math.max(b, 0), 1) };
}

/** Faces of people spread evenly over the gallery: the same ones each time. */
function someFaces({ blocks }: GalleryMatcher): Float32Array[][] {
  let listed = 0;
  for (const { personOf } of blocks) {
    for (const person of personOf) if (person !== LEFT_OUT && person >= listed) listed = person + 1;
  }
  const step = Math.max(1, listed / SAMPLED_PEOPLE);
  const chosen = new Map<number, Float32Array[]>();
  for (let at = 0; at < listed; at += step) chosen.set(Math.floor(at), []);
  for (const { block, personOf } of blocks) {
    for (let row = 0; row < personOf.length; row++) {
      const found = chosen.get(personOf[row]!);
      if (found !== undefined && found.length < SAMPLED_FACES) found.push(block.row(row));
    }
  }
  return [...chosen.values()].filter((found) => found.length > 0);
}

function measure(people: readonly (readonly Float32Array[])[]):
  | {
      readonly calibration: Calibration;
      readonly sampledEach: number;
      readonly ratio: number;
    }
  | undefined {
  const count = people.length;
  const single = new Float64Array((count * (count - 1)) / 2);
  /** From the first face of one person to the nearest of another. */
  const nearest = new Float64Array(count * (count - 1));
  let [at, to] = [0, 0];
  for (const [index, own] of people.entries()) {
    for (const [other, faces] of people.entries()) {
      if (other === index) continue;
      const first = distanceBetween(own[0]!, faces[0]!);
      if (other > index) single[at++] = first;
      let least = first;
      for (let face = 1; face < faces.length; face++) {
        least = Math.min(least, distanceBetween(own[0]!, faces[face]!));
      }
      nearest[to++] = least;
    }
  }
  const calibration = calibrate(single, count);
  if (calibration === undefined) return undefined;
  const u = calibration.distances[0]!;
  const within = nearest.reduce((sum, one) => sum + Number(one < u), 0) / nearest.length;
  const faces = people.reduce((sum, one) => sum + one.length, 0);
  return { calibration, sampledEach: faces / count, ratio: within / shareWithin(calibration, u) };
}

function distanceBetween(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! - b[at]!;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
