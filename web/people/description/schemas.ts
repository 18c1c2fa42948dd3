/** The answers of the routes about people that people/api.ts does not define. */
import { z } from 'zod';
import { neighbourSchema, workFaceSchema } from '../../../cloud/contract/people-work.ts';

const gallery = z.int().describe('version of the gallery that was searched');

const computedPhoto = <Face extends z.ZodType>(face: Face) =>
  z.object({
    file: z.string().optional(),
    width: z.int().optional(),
    height: z.int().optional(),
    faces: z.array(face),
    refused: z.string().optional().describe('why the photo has no faces: it is broken'),
  });

const computed = <Face extends z.ZodType>(face: Face) =>
  z.object({
    encoder: z.string().describe('embeddings of another encoder cannot be compared with these'),
    gallery,
    photos: z.array(computedPhoto(face)).describe('in the order of the form'),
  });

const detected = workFaceSchema.omit({ nearest: true, embedding: true });

export const detectionsSchema = computed(detected);
export const embeddingsSchema = computed(detected.extend({ embedding: z.base64() }));

export const searchResultSchema = z.object({
  nearest: z.array(neighbourSchema).describe('nearest first'),
  encoder: z.string(),
  gallery,
});

export const importedSchema = z.object({
  people: z.int(),
  faces: z.int(),
  gallery: z.int().describe('first gallery version with the people'),
});

/** Of a correction that says "nobody". */
export const mistakenSchema = z.object({
  mistaken: neighbourSchema
    .pick({ person: true, name: true, distance: true, odds: true })
    .optional()
    .describe('who the answer said it is, where the answer was stored'),
  gallery,
});

export const receiptKeySchema = z.object({
  id: z.string(),
  algorithm: z.literal('Ed25519'),
  publicKey: z.string().describe('SubjectPublicKeyInfo in PEM'),
  made: z.iso.datetime(),
});
