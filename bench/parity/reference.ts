/** facenet-pytorch's answers for photos, from a Python process that holds it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { z } from 'zod';
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
