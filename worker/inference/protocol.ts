/** What a worker and its inference process say to each other over their channel. Knows no network. */
import { z } from 'zod';
import { type Ask, modelInfoSchema, replyMessageSchema } from '../../cloud/messages.ts';

/** A photo, and what its answer is to tell. */
export interface Photo {
  readonly bytes: Uint8Array;
  readonly ask: Ask;
}

/** The worker's word: compute these photos, in this order; `number` comes back with the answers. */
export interface Work {
  readonly number: number;
  readonly photos: readonly Photo[];
}

const answerSchema = z.object({
  /** A match, or why there never will be one. */
  outcome: replyMessageSchema.shape.outcome,
  /** ms of each step of the model */
  timings: z.record(z.string(), z.number()),
});
/** What a photo came to. */
export type Answer = z.output<typeof answerSchema>;

/** The inference process's words. */
export const wordSchema = z.discriminatedUnion('kind', [
  /** The model is loaded; photos may come, and so many of them in one work. */
  z.object({
    kind: z.literal('ready'),
    backend: z.string(),
    reason: z.string().optional(),
    together: z.int().min(1),
    model: modelInfoSchema.optional(),
  }),
  /** It cannot start and another try would end the same, e.g. there is no model. */
  z.object({ kind: z.literal('unfit'), message: z.string() }),
  /** One for each photo of the work, in its order; `failed` is not the photo's fault. */
  z.object({
    kind: z.literal('answers'),
    number: z.int(),
    answers: z.array(z.union([answerSchema, z.object({ failed: z.string() })])),
  }),
]);
export type Word = z.output<typeof wordSchema>;
export type Answers = Extract<Word, { kind: 'answers' }>['answers'];
