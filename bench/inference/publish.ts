/** Puts a run's results where people look: the report into a page, the picture into a folder, all as JSON. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeDocsPart } from '../docs-part.ts';
import { compactReport } from './compact/report.ts';
import type { CompactResults } from './compact/results.ts';
import { drawResults } from './picture.ts';
import { report } from './report.ts';
import type { Results } from './results.ts';

export interface Publication {
  /** A folder for the picture. */
  readonly pictures?: string | undefined;
  /** A Markdown file whose part between the two marks becomes the report. */
  readonly docs?: string | undefined;
  /** A file for the results as JSON. */
  readonly out?: string | undefined;
}

/** @returns the report */
export async function publish(
  results: Results,
  { pictures, docs, out }: Publication,
): Promise<string> {
  const words = report(results);
  if (out !== undefined) await writeNew(out, `${JSON.stringify(results, null, 2)}\n`);
  if (pictures !== undefined) {
    await writeNew(join(pictures, 'inference.svg'), drawResults(results));
  }
  if (docs !== undefined) await writeDocsPart(docs, words);
  return words;
}

/** The same of a run of the compact encoder, which has a part of the page of its own and no picture. */
export async function publishCompact(
  results: CompactResults,
  { docs, out }: Pick<Publication, 'docs' | 'out'>,
): Promise<string> {
  const words = compactReport(results);
  if (out !== undefined) await writeNew(out, `${JSON.stringify(results, null, 2)}\n`);
  if (docs !== undefined) await writeDocsPart(docs, words, 'compact');
  return words;
}

async function writeNew(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
