/**
 * Work that needs the model and is no recognition of the contract: its message in the request queue, and the
 * result that a worker writes beside its inputs in the people bucket.
 */
import { z } from 'zod';

/** A request's objects in the people bucket. */
export const workKeys = {
  all: 'work/',
  photo: (id: string, index: number): string => `work/${id}/photo-${index}`,
  /** float32, little-endian: the embedding of a search. */
  embedding: (id: string): string => `work/${id}/embedding.bin`,
  result: (id: string): string => `work/${id}/result.json`,
  prefix: (id: string): string => `work/${id}/`,
};

/**
 * In place of a file name, in the reply to people work and where its pressure is counted: no photo can have
 * this name.
 */
export const WORK_FILE = '~/people-work';

/** Photos of one work. */
export const MOST_WORK_PHOTOS = 10;

/** W3C Trace Context, level 1: version, trace id, parent id, flags. */
export const traceparent = z.string().regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);

const workMessageSchema = z.object({
  id: z.uuid(),
  /**
   * `embed`: every face of each photo with embedding, quality and nearest people; `detect`: boxes and
   * quality only; `verify`: the largest face of the first photo against each face of the second, or against
   * `person`; `search`: the people nearest to an embedding.
   */
  work: z.enum(['embed', 'detect', 'verify', 'search']),
  /** Photos under `workKeys.photo`. */
  photos: z.int().min(0).max(MOST_WORK_PHOTOS),
  /** In place of photos under `work/`: a photo of the in-bucket, by key and digest. */
  kept: z.object({ key: z.string().min(1), digest: z.string().length(43) }).optional(),
  person: z.uuid().optional(),
  top: z.int().min(1).max(100).optional(),
  /** Odds from which a person counts as known, in place of the worker's setting. */
  odds: z.number().min(1).optional(),
  /** Least gallery version that it must be computed with. */
  gallery: z.int().nonnegative().optional(),
  node: z.string().min(1).max(64),
  sentAt: z.int().nonnegative(),
  /** Of the span that sent it, when the request is traced. */
  trace: traceparent.optional(),
});

export const peopleWorkSchema = workMessageSchema.refine(hasItsInputs, {
  path: ['photos'],
  error: 'do not fit the work',
});
export type PeopleWork = z.output<typeof peopleWorkSchema>;

function hasItsInputs(message: z.output<typeof workMessageSchema>): boolean {
  const photos = message.photos + (message.kept === undefined ? 0 : 1);
  if (message.work === 'search') return photos === 0;
  if (message.work === 'verify') return photos === (message.person === undefined ? 2 : 1);
  return photos > 0;
}

/** How usable a face is, each from 0 (useless) to 1; computed from the pixels and the five landmarks. */
export const qualitySchema = z.object({
  /** The least of the others. */
  score: z.number().min(0).max(1),
  size: z.number().min(0).max(1),
  sharpness: z.number().min(0).max(1),
  light: z.number().min(0).max(1),
  pose: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1),
  /** A sentence for each that is low, e.g. "The face is blurred." */
  reasons: z.array(z.string()),
});
export type Quality = z.output<typeof qualitySchema>;

const point = z.tuple([z.number(), z.number()]);
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

export const neighbourSchema = z.object({
  person: z.uuid().optional(),
  name: z.string(),
  distance: z.number(),
  /** 1 in this many strangers would be as near to anybody in the gallery. */
  odds: z.number().optional(),
  known: z.boolean().optional(),
});
export type WorkNeighbour = z.output<typeof neighbourSchema>;

export const workFaceSchema = z.object({
  /** x1, y1, x2, y2 in px of the photo as it is shown. */
  box,
  landmarks: z.array(point).length(5),
  probability: z.number(),
  quality: qualitySchema,
  /** float32, little-endian, base64; not for `detect`. */
  embedding: z.base64().optional(),
  nearest: z.array(neighbourSchema).optional(),
});
export type WorkFace = z.output<typeof workFaceSchema>;

const photoResult = z.union([
  z.object({ width: z.int(), height: z.int(), faces: z.array(workFaceSchema) }),
  z.object({ refused: z.object({ reason: z.literal('image'), message: z.string() }) }),
]);

export const workResultSchema = z.object({
  id: z.uuid(),
  /** The version that it was computed with; 0 is the model's own gallery. */
  gallery: z.int().nonnegative(),
  encoder: z.string(),
  /** One for each photo, in their order; the kept one is the last. */
  photos: z.array(photoResult),
  /**
   * Of `verify`: each face of the second photo, in its order, or one entry for `person`. Of `embed`: the
   * largest face of each further photo against that of the first, in the order of the photos; none where
   * a photo has no face.
   */
  pairs: z
    .array(z.object({ distance: z.number(), odds: z.number(), same: z.boolean() }))
    .optional(),
  /** Of `search`. */
  nearest: z.array(neighbourSchema).optional(),
});
export type WorkResult = z.output<typeof workResultSchema>;
