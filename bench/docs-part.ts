/** The part of a documentation page that a bench writes: what stands between two marks. */
import { readFile, writeFile } from 'node:fs/promises';
import { BenchError } from './errors.ts';

/**
 * @param part the marks' name: several benches may write into one page
 * @throws {BenchError} when the page has no such part
 */
export async function writeDocsPart(file: string, words: string, part = 'figures'): Promise<void> {
  const [begin, end] = [`<!-- ${part} -->`, `<!-- /${part} -->`];
  const text = await readFile(file, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) {
    throw new BenchError(`${file} has no part between ${begin} and ${end}: add the two.`);
  }
  await writeFile(file, `${text.slice(0, from + begin.length)}\n\n${words}\n${text.slice(to)}`);
}
