/** Formats a photo's recognition as the lines that `recognize` prints. */
import { parse } from 'node:path';
import type { Precision } from '../format.ts';
import { toldOdds } from '../odds/odds.ts';
import type { Face, Recognition } from '../recognition.ts';

export interface ReportOptions {
  /** One line per face instead of one per photo; in JSON a list `faces` in the photo's object. */
  readonly allFaces: boolean;
  /** Say after each name how sure it is, in words. */
  readonly explain: boolean;
  /** Put the values of each embedding into JSON. */
  readonly embeddings: boolean;
}

/** `stem:name` of the largest face, or with `allFaces` of each face, largest first. */
export function plainLines(file: string, { faces }: Recognition, options: ReportOptions): string[] {
  const stem = parse(file).name;
  return (options.allFaces ? faces : faces.slice(0, 1)).map((face) => {
    const line = `${stem}:${face.nearest[0]!.name}`;
    return options.explain ? `${line}\t${wordsOf(face)}` : line;
  });
}

function wordsOf({ nearest, quality }: Face): string {
  const odds = toldOdds(nearest[0]!.odds).toLocaleString('en-US');
  return [`1 in ${odds} strangers would be as near.`, ...quality.reasons].join(' ');
}

/** One JSON object: the largest face's fields and the file's name. */
export function jsonLine(
  file: string,
  { faces, embeddedTwice, turned }: Recognition,
  options: ReportOptions & { readonly precision: Precision; readonly precisionReason: string },
): string {
  return JSON.stringify({
    file,
    ...(turned !== 0 && { turned }),
    ...faceFields(faces[0]!, options),
    precision: options.precision,
    precisionReason: options.precisionReason,
    ...(options.precision === 'bfloat16' && { embeddedTwice }),
    ...(options.allFaces && { faces: faces.map((face) => faceFields(face, options)) }),
  });
}

/** One JSON object for a photo that could not be recognised. */
export function jsonErrorLine(file: string, sentence: string): string {
  return JSON.stringify({ file, error: sentence });
}

function faceFields(
  { box, probability, landmarks, nearest, embedding, quality }: Face,
  options: ReportOptions,
) {
  return {
    name: nearest[0]?.name,
    distance: nearest[0] && rounded(nearest[0].distance, 6),
    odds: nearest[0] && toldOdds(nearest[0].odds),
    box: box.map((value) => rounded(value, 4)),
    probability: rounded(probability, 6),
    landmarks: landmarks.map((point) => point.map((value) => rounded(value, 4))),
    nearest: nearest.map(({ name, distance, odds }) => ({
      name,
      distance: rounded(distance, 6),
      odds: toldOdds(odds),
    })),
    quality,
    // Nine digits tell every float32 from every other.
    ...(options.embeddings && {
      embedding: Array.from(embedding, (value) => Number(value.toPrecision(9))),
    }),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
