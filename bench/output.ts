/** What a bench puts out: its progress, and its part of a documentation page. */

import { readFile, writeFile } from 'node:fs/promises';
import { type OnStep, ProgressLine } from '../runtime/progress.ts';
import { BenchError } from './errors.ts';

/** Between two lines about steps where there is no terminal. */
const LINE_EVERY_MS = 10_000;

export interface BenchProgress {
  readonly step: OnStep;
  /** A line that stays. */
  readonly say: (line: string) => void;
  readonly end: () => void;
}

/** What a benchmark says while it runs: a bar on a terminal, else a line now and then. */
export function showProgress(stream: NodeJS.WriteStream): BenchProgress {
  const write = (line: string): void => void stream.write(`${line}\n`);
  if (!stream.isTTY) return { step: stepLines(write), say: write, end: () => undefined };
  const line = new ProgressLine(stream);
  let last: Parameters<OnStep> | undefined;
  return {
    step(...step) {
      last = step;
      line.step(...step);
    },
    say(words) {
      line.end();
      write(words);
      if (last !== undefined) line.step(...last);
    },
    end() {
      last = undefined;
      line.end();
    },
  };
}

export function stepLines(
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): OnStep {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (what, counted) => {
    if (now() - saidAt < LINE_EVERY_MS) return;
    saidAt = now();
    say(counted === undefined ? what : `${what}, ${counted.done} of ${counted.all}`);
  };
}

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
