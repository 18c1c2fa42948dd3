/** What a worker and its inference process say to each other over their channel. Knows no network. */
import { z } from 'zod';
import { replyMessageSchema } from '../../cloud/messages.ts';

/** The worker's word: compute this photo. One at a time; `number` comes back with the answer. */
export interface Work {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** The inference process's words. */
export const wordSchema = z.discriminatedUnion('kind', [
  /** The model is loaded; photos may come. */
  z.object({ kind: z.literal('ready'), backend: z.string() }),
  /** It cannot start and another try would end the same, e.g. there is no model. */
  z.object({ kind: z.literal('unfit'), message: z.string() }),
  /** A photo's outcome: a match, or why it never will have one. Timings in ms. */
  z.object({
    kind: z.literal('answer'),
    number: z.int(),
    outcome: replyMessageSchema.shape.outcome,
    timings: z.record(z.string(), z.number()),
  }),
  /** Something went wrong that is not the photo's fault. */
  z.object({ kind: z.literal('failed'), number: z.int(), message: z.string() }),
]);
export type Word = z.output<typeof wordSchema>;

/** What a photo came to, with the ms of each step of the model. */
export type Answer = Pick<Extract<Word, { kind: 'answer' }>, 'outcome' | 'timings'>;
