/** The messages between a worker and its inference process. Knows no network. */
import { z } from 'zod';
import {
  type Ask,
  modelInfoSchema,
  recognitionOutcomeSchema,
} from '../../cloud/contract/messages.ts';

/** A photo, and what its answer is to tell. */
export interface Photo {
  readonly bytes: Uint8Array;
  readonly ask: Ask;
}

/** From the worker: compute these photos, in this order; `number` comes back with the answers. */
export interface Work {
  readonly number: number;
  readonly photos: readonly Photo[];
}

const answerSchema = z.object({
  /** A match, or why the photo has none. */
  outcome: recognitionOutcomeSchema,
  /** ms of each step of the model */
  timings: z.record(z.string(), z.number()),
});
/** The outcome of one photo. */
export type Answer = z.output<typeof answerSchema>;

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
  /** One for each photo of the work, in its order; `failed` is not the photo's fault. */
  z.object({
    kind: z.literal('answers'),
    number: z.int(),
    answers: z.array(z.union([answerSchema, z.object({ failed: z.string() })])),
  }),
]);
export type ChildMessage = z.output<typeof childMessageSchema>;
export type Answers = Extract<ChildMessage, { kind: 'answers' }>['answers'];
