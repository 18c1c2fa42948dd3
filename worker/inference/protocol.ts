/** The messages between a worker and its inference process. Knows no network. */
import { z } from 'zod';
import {
  type Ask,
  modelInfoSchema,
  recognitionOutcomeSchema,
} from '../../cloud/contract/messages.ts';
import type { PeopleWork } from '../../cloud/contract/people-work.ts';
import type { GalleryHead } from '../../people/head.ts';

/** A photo, and what its answer is to tell. */
export interface Photo {
  readonly bytes: Uint8Array;
  readonly ask: Ask;
}

/** Work of the people API. */
export interface PeopleTask {
  readonly people: PeopleWork;
  /** The bytes of its photos in their order, the kept one last, or its embedding. */
  readonly inputs: readonly Uint8Array[];
}

/** A version of the live gallery to swap to. */
export interface GalleryFiles {
  readonly head: GalleryHead;
  /** Where its segments lie on this machine, in the head's order. */
  readonly files: readonly string[];
}

export type Task = Photo | PeopleTask | GalleryFiles;

/** From the worker: several photos or one other task, to be done in this order; `number` comes back. */
export interface Work {
  readonly number: number;
  readonly tasks: readonly Task[];
}

export function isPhoto(task: Task): task is Photo {
  return 'bytes' in task;
}

export function isGallery(task: Task): task is GalleryFiles {
  return 'head' in task;
}

/** ms of each step of the model */
const timings = z.record(z.string(), z.number());

const answerSchema = z.object({
  /** A match, or why the photo has none. */
  outcome: recognitionOutcomeSchema,
  timings,
});
/** The outcome of one photo. */
export type Answer = z.output<typeof answerSchema>;

const peopleAnswerSchema = z.object({
  /** A `WorkResult` as JSON. */
  result: z.string(),
  timings,
});
export type PeopleAnswer = z.output<typeof peopleAnswerSchema>;

const galleryAnswerSchema = z.union([
  z.object({ swapped: z.object({ people: z.int(), faces: z.int() }) }),
  /** Why the gallery before is kept. */
  z.object({ refused: z.string() }),
]);
export type GalleryAnswer = z.output<typeof galleryAnswerSchema>;

/** `failed` is not the photo's fault. */
const anyAnswer = z.union([
  answerSchema,
  peopleAnswerSchema,
  ...galleryAnswerSchema.options,
  z.object({ failed: z.string() }),
]);
export type AnyAnswer = z.output<typeof anyAnswer>;

/** From the inference process. */
export const childMessageSchema = z.discriminatedUnion('kind', [
  /** The model is loaded; `together` is the number of photos it takes in one batch. */
  z.object({
    kind: z.literal('ready'),
    backend: z.string(),
    reason: z.string().optional(),
    together: z.int().min(1),
    model: modelInfoSchema.optional(),
  }),
  /** It cannot start, and a retry would fail too, e.g. there is no model. */
  z.object({ kind: z.literal('unfit'), message: z.string() }),
  /** One for each task of the work, in its order. */
  z.object({ kind: z.literal('answers'), number: z.int(), answers: z.array(anyAnswer) }),
]);
export type ChildMessage = z.output<typeof childMessageSchema>;
export type ReadyMessage = Extract<ChildMessage, { kind: 'ready' }>;
