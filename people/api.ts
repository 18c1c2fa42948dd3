/** What the people API takes and answers: used by the web tier, its description, and the command line. */
import { z } from 'zod';
import { qualitySchema, workFaceSchema } from '../cloud/contract/people-work.ts';

/** Letters of any script; no control character, and no colon, which ends the stem in a text answer. */
export const personNameSchema = z
  .string()
  .trim()
  .normalize('NFC')
  .min(1, { error: 'must not be empty' })
  .max(200, { error: 'must be at most 200 characters' })
  .refine((name) => !/[\p{Cc}:]/u.test(name), {
    error: 'must not contain control characters or colons',
  })
  // The same for the API's description, which knows no classes of Unicode.
  .meta({
    pattern: String.raw`^[^\u0000-\u001f\u007f-\u009f:]*[^\u0000-\u0020\u007f-\u009f\s:][^\u0000-\u001f\u007f-\u009f:]*$`,
  });

const METADATA_BYTES = 1024;

export const personDetailsSchema = z.object({
  metadata: z
    .record(z.string(), z.unknown())
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= METADATA_BYTES, {
      error: `must be at most ${METADATA_BYTES} bytes of JSON`,
    })
    .optional()
    .describe('free data about the person, at most 1 kB of JSON'),
  consent: z.string().max(500).optional().describe('when and how the person agreed'),
  expires: z.iso
    .datetime()
    .optional()
    .describe('when the person is forgotten automatically, ISO 8601 in UTC'),
});
export type PersonDetails = z.output<typeof personDetailsSchema>;

export const enrolledFaceSchema = z.object({
  id: z.uuid(),
  quality: qualitySchema.optional(),
  enrolled: z.iso.datetime().optional(),
  photoDigest: z.string().optional().describe('SHA-256 of the photo, base64url'),
});

export const personSchema = personDetailsSchema.extend({
  id: z.uuid(),
  name: z.string(),
  faces: z.array(enrolledFaceSchema),
  enrolled: z.iso.datetime().optional(),
});
export type Person = z.output<typeof personSchema>;

/** Something to look at before an enrolment is trusted. */
export const doubtSchema = z.object({
  kind: z
    .enum(['looks-like', 'photos-differ'])
    .describe('another person looks alike, or the photos may show two different people'),
  face: z.uuid(),
  person: z.uuid().optional().describe('the other person'),
  name: z.string().optional(),
  distance: z.number(),
  odds: z.number().optional(),
  message: z.string().describe('the same in one sentence'),
});
export type Doubt = z.output<typeof doubtSchema>;

/** 201 of `POST /v1/people` and `POST /v1/people/{id}/faces`. */
export const enrolmentSchema = z.object({
  person: personSchema,
  /** Faces that this request added. */
  added: z.array(enrolledFaceSchema),
  doubts: z.array(doubtSchema).describe('most doubtful first'),
  gallery: z.int().describe('gallery version from which the person is recognised'),
});
export type Enrolment = z.output<typeof enrolmentSchema>;

export const peoplePageSchema = z.object({
  people: z.array(personSchema.omit({ faces: true }).extend({ faces: z.int() })),
  next: z.string().optional().describe('value of `after` for the next page'),
  total: z.int(),
  gallery: z.int(),
  note: z.string().optional().describe('why the gallery has nobody yet'),
});
export type PeoplePage = z.output<typeof peoplePageSchema>;

/** Answer of every change that has no other one. */
export const changedSchema = z.object({ person: personSchema, gallery: z.int() });

export const receiptSchema = z.object({
  id: z.uuid(),
  person: z.uuid(),
  requested: z.iso.datetime(),
  completed: z.iso.datetime().optional(),
  reason: z.enum(['request', 'expiry']),
  status: z.enum(['pending', 'done']),
  gallery: z.int().describe('first gallery version without the person'),
  removed: z
    .array(z.object({ what: z.string(), count: z.int() }))
    .describe('what was erased or rewritten without the person, and how many of each'),
  unreachable: z
    .array(z.object({ what: z.string(), digest: z.string().optional(), why: z.string() }))
    .describe('what this deployment cannot erase, such as a machine image'),
  key: z.string().describe('id of the key that signed it'),
  signature: z.string().describe('Ed25519 over the receipt without this field, base64'),
});
export type Receipt = z.output<typeof receiptSchema>;

export const verificationSchema = z.object({
  same: z.boolean(),
  distance: z.number(),
  odds: z.number(),
  faces: z
    .array(
      z.object({
        box: workFaceSchema.shape.box,
        distance: z.number(),
        odds: z.number(),
        same: z.boolean(),
      }),
    )
    .describe('every face of the second photo, nearest first'),
  gallery: z.int(),
});

export const galleryStateSchema = z.object({
  version: z.int().describe("0: the model's own gallery"),
  people: z.int(),
  faces: z.int(),
  encoder: z.string().optional(),
  at: z.iso.datetime().optional(),
});

export const galleryVersionsSchema = z.object({
  versions: z.array(
    z.object({ version: z.int(), at: z.iso.datetime(), change: z.string(), faces: z.int() }),
  ),
});
