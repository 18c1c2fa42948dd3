/** What becomes of a photo: the faces that were recognised, or why there is no answer. */
import { z } from 'zod';
import { qualitySchema } from './people-work.ts';

/** Faces that one answer lists: a picture of a crowd must not pass SQS's bound on a reply. */
export const MOST_FACES = 100;

const point = z.tuple([z.number(), z.number()]);

/** A recognised face as it travels: lengths in pixels of the photo as it is shown. */
export const faceSchema = z.object({
  name: z.string().min(1),
  distance: z.number(),
  /** x1, y1, x2, y2. */
  box: z
    .tuple([z.number(), z.number(), z.number(), z.number()])
    .describe(
      'x1, y1, x2, y2; a face at the edge may reach out of the photo: below 0, or past its width and height',
    ),
  probability: z.number(),
  landmarks: z
    .array(point)
    .length(5)
    .describe(
      'left eye, right eye, nose, left and right corner of the mouth, as seen on the upright face; may lie beyond the photo',
    ),
  nearest: z.array(
    z.object({ name: z.string(), distance: z.number(), odds: z.number().optional() }),
  ),
  /** Of the nearest person; people of the model's own gallery have one too once it has changed. */
  person: z.uuid().optional(),
  odds: z
    .number()
    .optional()
    .describe(
      '1 in this many strangers would be as near to anybody in the gallery as the nearest person is',
    ),
  quality: qualitySchema.optional(),
  known: z
    .boolean()
    .optional()
    .describe(
      'whether the nearest person is taken for the one in the photo, by KNOWN_ODDS or KNOWN_DISTANCE or the odds of the request',
    ),
});
export type Face = z.output<typeof faceSchema>;

/** The largest face, and the photo it is of. */
export const matchSchema = faceSchema.extend({
  /** Of the photo. */
  width: z.int(),
  height: z.int(),
  turned: z
    .literal([90, 180, 270])
    .optional()
    .describe(
      'degrees clockwise that make the photo upright, where its faces lie on their side or upside down; boxes and landmarks are of the photo as it was sent',
    ),
  gallery: z
    .int()
    .nonnegative()
    .optional()
    .describe("version of the gallery that was searched; 0 is the model's own"),
  /** All faces, largest first, where they were asked for. */
  faces: z.array(faceSchema).max(MOST_FACES).optional(),
});
export type Match = z.output<typeof matchSchema>;

/** Why a photo has no answer: the sender's to mend, `failed`: a dead letter, or `forgotten`: its person was. */
export const refusalSchema = z.object({
  reason: z.enum(['image', 'no-face', 'missing', 'failed', 'forgotten']),
  message: z.string().min(1).max(500),
  /** Of `failed`: the same photo would fail again. */
  permanent: z.literal(true).optional(),
});
export type Refusal = z.output<typeof refusalSchema>;
