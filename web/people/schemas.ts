/** What requests about people may say: forms, JSON bodies and queries. */
import { z } from 'zod';
import { personDetailsSchema, personNameSchema } from '../../people/api.ts';
import { recognitionOptions, wholeText } from '../api/schemas.ts';
import { flag, jsonText } from './request/fields.ts';

const MOST_PAGE = 1000;

const inTheFuture = personDetailsSchema.shape.expires.refine(
  (expires) => expires === undefined || Date.parse(expires) > Date.now(),
  { error: 'must be in the future' },
);

const acceptOption = {
  accept: z
    .enum(['low-quality'], { error: 'must be low-quality' })
    .optional()
    .describe('`low-quality` takes photos that are refused otherwise, e.g. a blurred one'),
};

export const enrolQuerySchema = z.strictObject({
  ...acceptOption,
  add: flag
    .optional()
    .describe('`true` adds the faces to the person who has this name, if there is one'),
});

/** Details that are personal data are never part of an address, which proxies log. */
export const enrolFormSchema = z.strictObject({
  name: personNameSchema.describe('what answers say; unique'),
  ...enrolQuerySchema.shape,
  metadata: jsonText
    .pipe(personDetailsSchema.shape.metadata.unwrap())
    .optional()
    .describe('free data about the person, at most 1 kB of JSON'),
  consent: personDetailsSchema.shape.consent,
  expires: inTheFuture,
});

export const addFacesSchema = z.strictObject(acceptOption);

export const pageQuerySchema = z.strictObject({
  after: z.base64url().optional().describe('`next` of the page before'),
  limit: wholeText(1, MOST_PAGE).default(100).describe('number of people'),
  q: z.string().max(200).optional().describe('part of the name, whatever its case and accents'),
});

/** `null` takes a detail away. */
export const changePersonSchema = z.strictObject({
  name: personNameSchema.optional(),
  metadata: personDetailsSchema.shape.metadata.nullable(),
  consent: personDetailsSchema.shape.consent.nullable(),
  expires: inTheFuture.nullable(),
});

export const mergeSchema = z.strictObject({
  from: z.uuid({ error: 'must be the id of a person' }).describe('whose faces move; then removed'),
});

export const forgetQuerySchema = z.strictObject({
  answers: flag
    .optional()
    .describe('`true` also deletes the results in the out-bucket that name the person'),
});

export const rollbackSchema = z.strictObject({
  version: z
    .int()
    .min(0)
    .describe('a version of GET /v1/gallery/versions; 0 is the model’s own gallery'),
});

export const verifyQuerySchema = z.strictObject(recognitionOptions);

export const verifyFormSchema = z.strictObject({
  person: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('id or name of the person to compare with, in place of a second photo'),
  ...recognitionOptions,
});

export const galleryQuerySchema = z.strictObject({ gallery: recognitionOptions.gallery });

export const searchSchema = z.strictObject({
  embedding: z
    .union([z.base64(), z.array(z.number()).min(1).max(4096)], {
      error: 'must be float32 numbers, little-endian in base64, or a list of numbers',
    })
    .describe('as POST /v1/embeddings answers it'),
  encoder: z.string().max(32).optional().describe('the encoder that made it, if it is known'),
  top: z.int().min(1).max(100).optional().describe('number of people (default 10)'),
  odds: z
    .number()
    .min(1)
    .optional()
    .describe(recognitionOptions.odds.description ?? ''),
  gallery: z.int().nonnegative().optional(),
});

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

export const correctSchema = z.strictObject({
  photo: z.int().min(0).max(9).default(0).describe('which photo of the request, from 0'),
  file: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe('its file name, where the answer was given at once and not kept'),
  face: z
    .union([z.int().min(0).max(99), box], { error: 'must be an index, or x1, y1, x2, y2' })
    .default(0)
    .describe('the face: its index in `faces`, or its box; default: the largest'),
  person: z.uuid().optional().describe('id of the person it is'),
  name: personNameSchema.optional().describe('name of the person it is'),
  create: z.boolean().optional().describe('`true` enrols a new person if nobody has this name'),
  nobody: z.literal(true).optional().describe('`true`: it is nobody of the gallery'),
  ...{ accept: acceptOption.accept },
});
