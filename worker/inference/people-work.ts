/** Work of the people API inside the inference process: embeds, detects, verifies and searches. Knows no bucket. */
import { MOST_FACES } from '../../cloud/contract/match.ts';
import type {
  PeopleWork,
  WorkFace,
  WorkNeighbour,
  WorkResult,
} from '../../cloud/contract/people-work.ts';
import {
  encoderId,
  type Face,
  type Neighbour,
  type Recognition,
  type Recognizer,
  toldOdds,
} from '../../model/index.ts';
import { DEFAULT_KNOWN_ODDS, type KnownSettings, knownRule, sameRule } from './known-rule.ts';
import type { PeopleAnswer, PeopleTask } from './protocol.ts';

/** How many of the nearest people a face names, where the request does not say. */
const NEAREST = 3;

interface WorkParts {
  readonly recognizer: Recognizer;
  /** Why a photo could not be decoded; undefined for what is not its fault. */
  readonly refusalOf: (error: unknown) => string | undefined;
  readonly settings: KnownSettings;
}

type PhotoResult = WorkResult['photos'][number];

export async function performWork(
  { people: work, inputs }: PeopleTask,
  parts: WorkParts,
): Promise<PeopleAnswer> {
  const { recognizer } = parts;
  const top = work.top ?? NEAREST;
  const begun = performance.now();
  // A gallery is never swapped while a task is in work.
  const gallery = recognizer.gallery.version;
  const result: WorkResult = {
    id: work.id,
    gallery,
    encoder: encoderId(recognizer.encoder),
    photos: [],
  };
  if (work.work === 'search') {
    const nearest = recognizer.gallery.nearest(embeddingOf(inputs[0]), top);
    const tell = teller(work, parts);
    const found = { ...result, nearest: nearest.map(tell) };
    return { result: JSON.stringify(found), timings: { match: performance.now() - begun } };
  }
  const recognitions = await recognizer.recognizeAll(inputs, {
    top,
    allFaces: true,
    mostFaces: MOST_FACES,
    embed: work.work === 'detect' ? 'none' : 'exact',
  });
  const photos = recognitions.map((one): PhotoResult => {
    if (!(one instanceof Error)) return photoOf(one, work, parts);
    const message = parts.refusalOf(one);
    if (message === undefined) throw one;
    return { refused: { reason: 'image', message } };
  });
  const pairs =
    work.work === 'verify'
      ? { pairs: pairsOf(recognitions, work, parts) }
      : work.work === 'embed' && recognitions.length > 1
        ? { pairs: photoPairs(recognitions, work, parts) }
        : {};
  return { result: JSON.stringify({ ...result, photos, ...pairs }), timings: sumOf(recognitions) };
}

function sumOf(recognitions: readonly (Recognition | Error)[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const recognition of recognitions) {
    if (recognition instanceof Error) continue;
    for (const [step, ms] of Object.entries(recognition.timings)) sum[step] = (sum[step] ?? 0) + ms;
  }
  return sum;
}

function photoOf(
  { width, height, faces }: Recognition,
  work: PeopleWork,
  parts: WorkParts,
): PhotoResult {
  return { width, height, faces: faces.map((face) => faceOf(face, work, parts)) };
}

function faceOf(
  { box, landmarks, probability, embedding, nearest, quality }: Face,
  work: PeopleWork,
  parts: WorkParts,
): WorkFace {
  const place = {
    box: [...box] as WorkFace['box'],
    landmarks: landmarks.map(([x, y]): [number, number] => [x, y]),
    probability,
    quality: { ...quality, reasons: [...quality.reasons] },
  };
  if (work.work === 'detect') return place;
  const { buffer, byteOffset, byteLength } = embedding;
  return {
    ...place,
    embedding: Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
    nearest: nearest.map(teller(work, parts)),
  };
}

/** The largest face of the first photo with each of the second, or with the person. */
function pairsOf(
  [first, second]: readonly (Recognition | Error)[],
  { person, odds: asked }: PeopleWork,
  { recognizer: { gallery, odds }, settings }: WorkParts,
): NonNullable<WorkResult['pairs']> {
  const face = first instanceof Error ? undefined : first?.faces[0];
  if (face === undefined) return [];
  const rule = sameRule({ odds: asked }, settings);
  const pairOf = (distance: number, of: number, at: (odds: number) => number) => {
    const within = 'within' in rule ? rule.within : at(rule.odds);
    return { distance, odds: toldOdds(of), same: distance < within };
  };
  if (person === undefined) {
    return facesOf(second).map(({ embedding }) => {
      const distance = distanceOf(face.embedding, embedding);
      return pairOf(distance, odds.ofPair(distance), (least) => odds.pairDistanceAt(least));
    });
  }
  const distance = gallery.distanceTo(face.embedding, person);
  if (distance === undefined) return [];
  return [pairOf(distance, odds.ofPerson(distance), (least) => odds.personDistanceAt(least))];
}

/** The largest face of the first photo with that of each further one; none where a photo has no face. */
function photoPairs(
  [first, ...others]: readonly (Recognition | Error)[],
  work: PeopleWork,
  parts: WorkParts,
): NonNullable<WorkResult['pairs']> {
  return others.flatMap((other) => {
    if (other instanceof Error) return [];
    const largest = { ...other, faces: other.faces.slice(0, 1) };
    return first === undefined
      ? []
      : pairsOf([first, largest], { ...work, person: undefined }, parts);
  });
}

function facesOf(recognition: Recognition | Error | undefined): readonly Face[] {
  return recognition === undefined || recognition instanceof Error ? [] : recognition.faces;
}

function distanceOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at]! - b[at]!) ** 2;
  return Math.sqrt(sum);
}

/** Tells a person with odds, and whether they count as known. */
function teller(
  { odds: asked }: PeopleWork,
  { recognizer: { gallery, odds }, settings }: WorkParts,
): (one: Neighbour) => WorkNeighbour {
  const rule = knownRule({ odds: asked }, settings, gallery.version);
  const within = rule.knownWithin ?? odds.distanceAt(rule.knownOdds ?? DEFAULT_KNOWN_ODDS);
  return ({ person, name, distance }) => ({
    ...(person === undefined ? {} : { person }),
    name,
    distance,
    odds: toldOdds(odds.of(distance)),
    known: distance < within,
  });
}

/** @throws {RangeError} when it is no embedding */
function embeddingOf(bytes: Uint8Array | undefined): Float32Array {
  if (bytes === undefined || bytes.length % 4 !== 0) {
    throw new RangeError('A search needs an embedding of float32 numbers.');
  }
  return new Float32Array(new Uint8Array(bytes).buffer);
}
