/**
 * facenet-pytorch’s answers for photos, from a Python process that holds it, and what is found here
 * compared with them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { z } from 'zod';
import type { DetectedFace } from '../../model/index.ts';
import { BenchError } from '../errors.ts';

const numbers = (count: number) => z.array(z.number()).length(count);
const facesSchema = z.array(
  z.object({
    box: numbers(4),
    probability: z.number(),
    landmarks: z.array(numbers(2)).length(5),
  }),
);
export type ReferenceFace = z.output<typeof facesSchema>[number];

const answerSchema = z.object({
  /** Largest first. */
  faces: facesSchema,
  /** The same where equal scores keep their order, which NumPy's own sort does not do. */
  stable: facesSchema,
  /** Of the first of `stable`. */
  embedding: numbers(512).nullable(),
});
export type ReferenceAnswer = z.output<typeof answerSchema>;

/** facenet-pytorch's answers for photos, from a Python process that holds it. */
export class Reference {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #lastWords = '';

  /** @param python one that loads facenet-pytorch */
  constructor(python: string, checkpoint: string) {
    this.#child = spawn(python, [join(import.meta.dirname, 'reference.py'), checkpoint], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const lines: Interface = createInterface({ input: this.#child.stdout! });
    this.#lines = lines[Symbol.asyncIterator]();
    this.#child.stderr!.on('data', (words: Buffer) => {
      this.#lastWords = words.toString().trim().split('\n').at(-1) ?? '';
    });
    this.#child.stdin!.on('error', () => {}); // The missing answer tells why.
    this.#child.on('error', ({ message }) => {
      this.#lastWords = message;
    });
  }

  /** @throws {BenchError} when the process has ended */
  async answer(path: string): Promise<ReferenceAnswer> {
    this.#child.stdin!.write(`${path}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new BenchError(`facenet-pytorch gave no answer (${this.#lastWords}).`);
    return answerSchema.parse(JSON.parse(value));
  }

  close(): void {
    this.#child.kill();
  }
}

/** What one engine found. */
export interface Answer {
  /** All of them, largest first. */
  readonly faces: readonly DetectedFace[];
  /** What is found when only the largest face is asked for. */
  readonly largest: DetectedFace | undefined;
  /** Of the largest. */
  readonly embedding: Float32Array | undefined;
}

export interface Comparison {
  /**
   * `tie`: the faces are those of stable sorts. NumPy's own sort takes another one of several boxes
   * with exactly the same score.
   */
  readonly verdict: 'same' | 'tie' | 'differs';
  /** Of boxes and landmarks, px; infinite where other faces were found. */
  readonly pixels: number;
  /** L2; 0 without a face. */
  readonly embedding: number;
}

/** Asked of boxes and landmarks, px. */
const PIXELS = 0.1;
/** Asked of embeddings (L2). */
const EMBEDDING = 1e-3;

export function compare(
  { faces, largest, embedding }: Answer,
  reference: ReferenceAnswer,
): Comparison {
  const off = distance(faces, reference.stable);
  const firstOff = distance(largest === undefined ? [] : [largest], reference.stable.slice(0, 1));
  const pixels = Math.max(off, firstOff);
  const length = embeddingDistance(embedding, reference.embedding);
  if (pixels > PIXELS || length > EMBEDDING)
    return { verdict: 'differs', pixels, embedding: length };
  const unstable = distance(faces, reference.faces) > PIXELS;
  return { verdict: unstable ? 'tie' : 'same', pixels, embedding: length };
}

function distance(faces: readonly DetectedFace[], others: readonly ReferenceFace[]): number {
  if (faces.length !== others.length) return Number.POSITIVE_INFINITY;
  return Math.max(
    0,
    ...faces.flatMap(({ box, landmarks }, row) => {
      const other = others[row]!;
      const expected = [...other.box, ...other.landmarks.flat()];
      return [...box, ...landmarks.flat()].map((value, at) => Math.abs(value - expected[at]!));
    }),
  );
}

function embeddingDistance(
  embedding: Float32Array | undefined,
  expected: readonly number[] | null,
): number {
  if (embedding === undefined && expected === null) return 0;
  if (embedding === undefined || expected === null) return Number.POSITIVE_INFINITY;
  return Math.hypot(...embedding.map((value, at) => value - expected[at]!));
}
