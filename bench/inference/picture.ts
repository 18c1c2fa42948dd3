/** One picture of a run, as SVG readable on light and dark pages: times of a photo and of a face. Pure. */
import { labelOf } from './report.ts';
import type { PartyResult, Results } from './results.ts';

interface Bar {
  readonly label: string;
  readonly value: number;
  /** Parts that add up to the value, or none. */
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
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 44}" role="img" aria-label="Inference beside its peers">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;font-size:14px}.o{font-weight:600}',
    '@media(prefers-color-scheme:dark){text{fill:#9ea7b3}}</style>',
    ...body,
    ...legend,
    text(12, y + 34, words, 'start'),
    '</svg>',
  ].join('\n')}\n`;
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

function text(x: number, y: number, words: string, anchor: string, name = ''): string {
  const shown = name ? ` class="${name}"` : '';
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text${shown} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
