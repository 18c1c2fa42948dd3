/** The part of a documentation page that a bench writes: what stands between two marks. */
import { readFile, writeFile } from 'node:fs/promises';
import { BenchError } from './errors.ts';

const MARKS = ['<!-- figures -->', '<!-- /figures -->'] as const;

/** @throws {BenchError} when the page has no such part */
export async function writeDocsPart(file: string, words: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const [from, to] = [text.indexOf(MARKS[0]), text.indexOf(MARKS[1])];
  if (from < 0 || to < from) {
    throw new BenchError(`${file} has no part between ${MARKS[0]} and ${MARKS[1]}: add the two.`);
  }
  await writeFile(file, `${text.slice(0, from + MARKS[0].length)}\n\n${words}\n${text.slice(to)}`);
}
