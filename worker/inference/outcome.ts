/** Makes the reply's outcome from the model's recognition: a match with rounded numbers, or a refusal. Pure. */
import type { Match, Refusal, Face as ToldFace } from '../../cloud/contract/match.ts';
import type { Ask } from '../../cloud/contract/messages.ts';
import {
  type Face,
  ImageError,
  largestFace,
  type Recognition,
  toldOdds,
} from '../../model/index.ts';

/** Bounds of the message schema. */
const MOST_REFUSAL_LETTERS = 500;

/** A hundredth of a pixel is far below what the networks resolve; metadata in S3 is short of room. */
const PIXEL_DIGITS = 2;
/** float32 has about seven. */
const SHARE_DIGITS = 6;

export type Outcome = { match: Match } | { refusal: Refusal };

/** The largest face is the one that is matched; none is a refusal, never a made-up name. */
export function outcomeOf(recognition: Recognition, ask: Ask = {}): Outcome {
  const face = largestFace(recognition);
  const told = face && toldOf(face, ask);
  if (told === undefined) {
    return { refusal: { reason: 'no-face', message: 'No face was found in the photo.' } };
  }
  const { width, height, turned, gallery, faces } = recognition;
  const all = ask.faces === 'all' ? { faces: faces.flatMap((one) => toldOf(one, ask) ?? []) } : {};
  const turn = turned === 0 ? {} : { turned };
  return { match: { ...told, width, height, ...turn, gallery, ...all } };
}

/** Undefined when the gallery knows nobody. Odds and quality go where `known` goes: into JSON. */
function toldOf(
  { box, probability, landmarks, nearest, known, quality }: Face,
  ask: Ask,
): ToldFace | undefined {
  const [best] = nearest;
  if (best === undefined) return undefined;
  const [x1, y1, x2, y2] = box;
  return {
    name: best.name,
    distance: rounded(best.distance, SHARE_DIGITS),
    box: [pixels(x1), pixels(y1), pixels(x2), pixels(y2)],
    probability: rounded(probability, SHARE_DIGITS),
    landmarks: landmarks.map(([x, y]) => [pixels(x), pixels(y)]),
    nearest: nearest.map(({ name, distance, odds }) => ({
      name,
      distance: rounded(distance, SHARE_DIGITS),
      ...(ask.known && { odds: toldOdds(odds) }),
    })),
    ...(best.person === undefined ? {} : { person: best.person }),
    ...(ask.known && {
      odds: toldOdds(best.odds),
      quality: { ...quality, reasons: [...quality.reasons] },
    }),
    ...(known === undefined ? {} : { known }),
  };
}

/** The refusal for bytes that are no image; undefined when the error is not the photo's fault. */
export function refusalOf(error: unknown): Outcome | undefined {
  const message = imageReason(error);
  return message === undefined ? undefined : { refusal: { reason: 'image', message } };
}

/** Why bytes are no image, in words; undefined when the error is not the photo's fault. */
export function imageReason(error: unknown): string | undefined {
  return error instanceof ImageError ? error.message.slice(0, MOST_REFUSAL_LETTERS) : undefined;
}

const pixels = (value: number): number => rounded(value, PIXEL_DIGITS);

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
