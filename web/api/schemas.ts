/** Schemas of the requests and answers under `/v1`. The API's description is made from them. */
import { z } from 'zod';
import { matchSchema } from '../../cloud/contract/match.ts';
import type { Ask } from '../../cloud/contract/messages.ts';
import { problemSchema } from './problems.ts';

/** Largest number of photos in one request. */
export const MOST_PHOTOS = 10;
/** Longest time that a request for a result is kept open. */
export const MOST_WAIT_SECONDS = 60;

export const wholeText = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .string({ error })
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .pipe(z.int().min(least, { error }).max(most, { error }));
};

const MOST_ODDS = 1_000_000_000;
const MOST_VERSION = 999_999_999_999_999;

/** Of every request that compares faces with the gallery. */
export const recognitionOptions = {
  odds: wholeText(1, MOST_ODDS)
    .optional()
    .describe(
      'odds from which a person counts as known: 1 in this many strangers would be as near to anybody in the gallery',
    ),
  gallery: wholeText(0, MOST_VERSION)
    .optional()
    .describe('least version of the gallery to answer with, e.g. that of an enrolment'),
};

/** Options in a query or a form, where every value is text. */
export const optionsSchema = z.strictObject({
  faces: z
    .enum(['largest', 'all'], { error: 'must be largest or all' })
    .optional()
    .describe('the largest face only, or all faces, largest first'),
  top: wholeText(1, 10).optional().describe('number of nearest people to name'),
  ...recognitionOptions,
});

export const waitSchema = z.strictObject({
  wait: wholeText(0, MOST_WAIT_SECONDS).optional().describe('seconds to wait for a result'),
});

export const idSchema = z.uuid();

const workedBy = {
  timings: z.record(z.string(), z.number()).optional().describe('ms of each stage in the worker'),
  instance: z.string().optional().describe('the instance that computed it'),
};
const matchAnswer = matchSchema.describe(
  'the largest face; lengths in pixels of the photo, turned by its EXIF orientation',
);

/** The JSON of one photo at the contract's address. */
export const oneAnswerSchema = matchAnswer.extend({ file: z.string(), ...workedBy });

const photo = z.object({
  id: z.uuid().describe("the photo's id; the first photo has the request's"),
  file: z.string(),
});
const recognised = photo.extend({
  status: z.literal('done'),
  match: matchAnswer,
  ...workedBy,
});
const refused = photo.extend({ status: z.literal('failed'), problem: problemSchema });
const pending = photo.extend({ status: z.literal('pending') });

export const photoAnswerSchema = z.discriminatedUnion('status', [recognised, refused, pending]);
export type PhotoAnswer = z.output<typeof photoAnswerSchema>;

export const recognitionSchema = z.object({
  id: z.uuid(),
  status: z
    .enum(['pending', 'done', 'failed'])
    .describe('pending while a photo has no answer; failed when none was recognised'),
  photos: z.array(photoAnswerSchema).max(MOST_PHOTOS).describe('in the order of the form'),
});
export type Recognition = z.output<typeof recognitionSchema>;

export function recognitionOf(id: string, photos: PhotoAnswer[]): Recognition {
  const has = (status: PhotoAnswer['status']): boolean =>
    photos.some((photo) => photo.status === status);
  const status = has('pending') ? 'pending' : has('done') ? 'done' : 'failed';
  return { id, status, photos };
}

/** The options as the worker gets them. */
export function askOf({ faces, ...ask }: z.output<typeof optionsSchema>): Ask {
  return { ...ask, faces: faces === 'all' ? faces : undefined, known: true };
}
