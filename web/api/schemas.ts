/** What `/v1` takes and answers: the checks of requests, and what the description is made from. */
import { z } from 'zod';
import { type Ask, matchSchema } from '../../cloud/contract/messages.ts';
import { problemSchema } from './problems.ts';

/** Photos of one request. */
export const MOST_PHOTOS = 10;
/** Longest time that one question for a result is kept open. */
export const MOST_WAIT_SECONDS = 60;

const wholeText = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .string({ error })
    .regex(/^\d{1,3}$/, { error })
    .transform(Number)
    .pipe(z.int().min(least, { error }).max(most, { error }));
};

/** Options as they come in a query or a form: texts. */
export const optionsSchema = z.strictObject({
  faces: z
    .enum(['largest', 'all'], { error: 'must be largest or all' })
    .optional()
    .describe('the largest face alone, or all, largest first'),
  top: wholeText(1, 10).optional().describe('how many of the nearest people to name'),
});

export const waitSchema = z.strictObject({
  wait: wholeText(0, MOST_WAIT_SECONDS)
    .optional()
    .describe('seconds to keep the question open while there is no result'),
});

export const idSchema = z.uuid();

const workedBy = {
  timings: z.record(z.string(), z.number()).optional().describe('ms of each step of its worker'),
  instance: z.string().optional().describe('the instance that computed it'),
};
const matchAnswer = matchSchema.describe(
  'the largest face; lengths in pixels of the photo, turned by its EXIF orientation',
);

/** The JSON of one photo at the contract's address. */
export const oneAnswerSchema = matchAnswer.extend({ file: z.string(), ...workedBy });

const photo = z.object({
  id: z.uuid().describe('of the photo; the first has that of its request'),
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

/** What a worker is asked for by these options. */
export function askOf({ faces, top }: z.output<typeof optionsSchema>): Ask {
  return { faces: faces === 'all' ? faces : undefined, top, known: true };
}
