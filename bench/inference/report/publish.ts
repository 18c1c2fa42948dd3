/** Writes a run's results: the report into a page, the picture into a folder, everything as JSON. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { round, svg, text } from '../../chart.ts';
import { writeDocsPart } from '../../output.ts';
import { type CompactResults, compactReport } from '../compact/report.ts';
import { labelOf, report } from './report.ts';
import type { PartyResult, Results } from './results.ts';

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

/** The same for a run of the compact encoder, which has its own part of the page and no picture. */
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

interface Bar {
  readonly label: string;
  readonly value: number;
  /** Parts that add up to the value, if any. */
  readonly parts: readonly { readonly name: string; readonly value: number }[];
  readonly own: boolean;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LEFT = 230;
const RIGHT = 80;
const ROW = 20;
const PART_COLORS: Record<string, string> = {
  decode: '#8c959f',
  detect: '#bf8700',
  embed: '#0969da',
  match: '#cf222e',
  rest: '#6e7781',
};

/** One picture of a run, readable on light and dark pages: times of a photo and of a face. */
export function drawResults(results: Results): string {
  const panels = panelsOf(results);
  let y = 16;
  const body: string[] = [];
  for (const { title, bars } of panels) {
    body.push(text(12, y + 12, title, 'start', 't'));
    y += 22;
    const longest = Math.max(...bars.map(({ value }) => value));
    for (const bar of bars) {
      body.push(drawBar(bar, y, (WIDTH - LEFT - RIGHT) / longest));
      y += ROW;
    }
    y += 14;
  }
  const legend = ['decode', 'detect', 'embed', 'match'].map((name, index) => {
    const x = LEFT + index * 90;
    return rect(x, y, 10, 10, PART_COLORS[name]!) + text(x + 15, y + 9, name, 'start');
  });
  const { processor } = results.machine;
  const words = `ms, one run, ${results.threads} thread each, ${processor}`;
  return svg(
    {
      width: WIDTH,
      height: y + 44,
      title: 'Inference beside its peers',
      styles: '.o{font-weight:600}',
    },
    [...body, ...legend, text(12, y + 34, words, 'start')],
  );
}

function panelsOf({ sets, parties }: Results): Panel[] {
  const encoder = (count: number, title: string): Panel => ({
    title,
    bars: parties.flatMap((one) => {
      const value = one.encoder[count];
      return value === undefined ? [] : [bar(one, value / count, [])];
    }),
  });
  const photos = sets.map(
    ({ name, label }): Panel => ({
      title: `A whole photo: ${label}`,
      bars: parties.flatMap((one) => {
        const steps = one.photos[name];
        if (steps === undefined) return [];
        const { decode, detect, embed, match, whole } = steps;
        const parts = Object.entries({ decode, detect, embed, match });
        return [bar(one, whole, parts)];
      }),
    }),
  );
  return [
    encoder(1, 'The encoder, one face'),
    encoder(4, 'The encoder, a face in a batch of 4'),
    ...photos,
  ].filter(({ bars }) => bars.length > 0);
}

function bar(one: PartyResult, value: number, parts: readonly (readonly [string, number])[]): Bar {
  return {
    label: labelOf(one),
    value,
    parts: parts.map(([name, value]) => ({ name, value })),
    own: one.id.startsWith('own'),
  };
}

function drawBar({ label, value, parts, own }: Bar, y: number, scale: number): string {
  const drawn: string[] = [];
  let x = LEFT;
  const pieces = parts.length > 0 ? parts : [{ name: own ? 'embed' : 'rest', value }];
  for (const piece of pieces) {
    const width = piece.value * scale;
    if (width >= 0.1) drawn.push(rect(x, y, width, ROW - 6, PART_COLORS[piece.name]!));
    x += width;
  }
  const number = value.toFixed(value < 10 ? 1 : 0);
  return [
    text(LEFT - 8, y + 11, label, 'end', own ? 'o' : ''),
    ...drawn,
    text(LEFT + value * scale + 6, y + 11, number, 'start'),
  ].join('');
}

function rect(x: number, y: number, width: number, height: number, color: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" rx="1.5" fill="${color}"/>`;
}
