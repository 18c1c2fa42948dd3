/**
 * Requests to a party's process and its answers: one JSON object per line, answers prefixed by `@`, so that
 * output of libraries is not mistaken for one. The Python side is python/party.py.
 */
import { z } from 'zod';
import type { Spread } from './party/made-people.ts';

export type Request =
  /** Embeds the first `count` faces of a file of float32 [n, 240, 240, 3], `times` times. */
  | { readonly do: 'embed'; readonly faces: string; readonly count: number; readonly times: number }
  /** The embeddings of all those faces. */
  | { readonly do: 'embeddings'; readonly faces: string; readonly count: number }
  /** Recognises one photo; `all` embeds every face, not only the largest. */
  | { readonly do: 'photo'; readonly path: string; readonly all?: boolean }
  /** Recognises several photos in one call. */
  | { readonly do: 'photos'; readonly paths: readonly string[] }
  /** Recognises photos repeatedly, `batch` at a time, for this number of seconds. */
  | {
      readonly do: 'run';
      readonly paths: readonly string[];
      readonly batch: number;
      readonly seconds: number;
    }
  /** Cuts the faces of photos and writes the first `count` as `embed` reads them. */
  | {
      readonly do: 'cut';
      readonly paths: readonly string[];
      readonly count: number;
      readonly out: string;
    }
  /** Times exact matching in a generated gallery of this many people, for faces in it and for others. */
  | {
      readonly do: 'match';
      readonly people: number;
      readonly spread: Spread;
      readonly times: number;
    };

const ms = z.number().nonnegative();

export const readySchema = z.object({ ready: z.literal(true), versions: z.string() });
export const failureSchema = z.object({ id: z.int(), error: z.string() });

const embedSchema = z.object({
  ms: z.array(ms).min(1),
  embedding: z.array(z.number()).length(512),
});
const photoSchema = z.object({
  timings: z.object({ decode: ms, detect: ms, embed: ms, match: ms }),
  whole: ms,
  faces: z.int(),
  name: z.string().nullable(),
  distance: z.number().nullable(),
  /** Whether a face was embedded again in float32 to settle its name. */
  twice: z.boolean().optional(),
  /** Of the face that was embedded first; none without a face. */
  embedding: z.array(z.number()).min(1).optional(),
});
export type PhotoAnswer = z.output<typeof photoSchema>;

/** The answer to each request. */
export const answerSchemas = {
  embed: embedSchema,
  embeddings: z.object({ embeddings: z.array(z.array(z.number()).length(512)).min(1) }),
  photo: photoSchema,
  photos: z.object({ whole: ms }),
  run: z.object({ photos: z.int(), seconds: z.number().positive() }),
  cut: z.object({ faces: z.int() }),
  match: z.object({ prepare: ms, known: z.array(ms).min(1), strangers: z.array(ms).min(1) }),
} as const;

export type Kind = Request['do'];
export type Answer<K extends Kind> = z.output<(typeof answerSchemas)[K]>;
