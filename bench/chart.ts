/**
 * Line and point charts as SVG text, and the pieces of which every picture of a bench is made. Readable on
 * light and dark pages: colours of middle brightness, text in the page's own colour where it is known. Knows
 * nothing of what is charted.
 */

export interface Series {
  readonly name: string;
  readonly color: string;
  /** Joined in this order; `mark` draws each point as well. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly style: 'line' | 'marks' | 'both' | 'steps';
  /** Drawn beneath and lighter. */
  readonly faint?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  readonly format: (value: number) => string;
  /** What is shown; by the points when not given. */
  readonly range?: readonly [number, number];
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = { left: 66, right: 16, top: 36, bottom: 74 };

export function drawChart({ title, x, y, series }: Chart): string {
  const all = series.flatMap(({ points }) => points);
  const across = axis(
    x,
    all.map(([at]) => at),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const up = axis(
    y,
    all.map(([, at]) => at),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const [left, right, top, bottom] = [
    MARGIN.left,
    WIDTH - MARGIN.right,
    MARGIN.top,
    HEIGHT - MARGIN.bottom,
  ];
  const grid = [
    ...across.ticks.map((value) => {
      const at = round(across.place(value));
      return line('grid', at, top, at, bottom) + text(at, bottom + 16, x.format(value), 'middle');
    }),
    ...up.ticks.map((value) => {
      const at = round(up.place(value));
      return line('grid', left, at, right, at) + text(left - 6, at + 4, y.format(value), 'end');
    }),
  ];
  const drawn = [...series]
    .sort(
      // A single point must not hide under a line.
      (a, b) =>
        Number(b.faint ?? false) - Number(a.faint ?? false) || b.points.length - a.points.length,
    )
    .map((one) => drawSeries(one, across.place, up.place));
  return svg(
    {
      width: WIDTH,
      height: HEIGHT,
      title,
      styles: '.grid{stroke:#8b949e;stroke-opacity:.25}',
    },
    [
      `<clipPath id="c"><rect x="${left}" y="${top - 4}" width="${right - left + 4}" height="${bottom - top + 8}"/></clipPath>`,
      text(left, 20, title, 'start', 't'),
      ...grid,
      text((left + right) / 2, bottom + 36, x.label, 'middle'),
      `<text transform="translate(14 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>`,
      `<g clip-path="url(#c)">${drawn.join('')}</g>`,
      ...legend(series),
    ],
  );
}

function drawSeries(
  { color, points, style, faint }: Series,
  across: (value: number) => number,
  up: (value: number) => number,
): string {
  const places = points.map(([x, y]) => [round(across(x)), round(up(y))] as const);
  const opacity = faint ? ' opacity=".55"' : '';
  const marks = places
    .map(
      ([x, y]) => `<circle cx="${x}" cy="${y}" r="${faint ? 2 : 3.5}" fill="${color}"${opacity}/>`,
    )
    .join('');
  if (style === 'marks' || places.length === 0) return marks;
  const path = places
    .map(([x, y], index) => {
      if (index === 0) return `M${x} ${y}`;
      return style === 'line' ? `L${x} ${y}` : `H${x}V${y}`;
    })
    .join('');
  const stroke = `<path d="${path}" fill="none" stroke="${color}" stroke-width="${faint ? 1.2 : 2}"${opacity}/>`;
  return style === 'both' ? stroke + marks : stroke;
}

function legend(series: readonly Series[]): string[] {
  let at = MARGIN.left;
  return series.map(({ name, color }) => {
    const place = at;
    at += 28 + name.length * 6.5;
    return `<rect x="${round(place)}" y="${HEIGHT - 18}" width="10" height="10" rx="2" fill="${color}"/>${text(place + 15, HEIGHT - 9, name, 'start')}`;
  });
}

function axis({ scale, range }: Axis, values: readonly number[], from: number, to: number) {
  const finite = values.filter(
    (value) => Number.isFinite(value) && (scale === 'linear' || value > 0),
  );
  let [low, high] = range ?? [
    finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ];
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [1, 10];
  if (scale === 'linear') {
    low = Math.min(0, low);
    const step = niceStep((high - low || 1) / 6);
    high = Math.ceil(high / step) * step || step;
    const ticks = Array.from(
      { length: Math.round((high - low) / step) + 1 },
      (_, n) => low + n * step,
    );
    return { ticks, place: (value: number) => from + ((value - low) / (high - low)) * (to - from) };
  }
  [low, high] = [low / 1.15, high * 1.15];
  const decades = Math.log10(high / low);
  const mantissas = decades > 3.5 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const mantissa of mantissas) {
      const value = mantissa * 10 ** power;
      if (value >= low && value <= high) ticks.push(value);
    }
  }
  return {
    ticks,
    place: (value: number) =>
      from + (Math.log10(Math.max(value, low) / low) / decades) * (to - from),
  };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10);
}

function line(name: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${name}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
}

export function text(x: number, y: number, words: string, anchor: string, name = ''): string {
  const shown = name ? ` class="${name}"` : '';
  return `<text${shown} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** A whole picture. @param styles CSS beside that of every picture: `t` is the class of a title */
export function svg(
  {
    width,
    height,
    title,
    styles = '',
  }: { width: number; height: number; title: string; styles?: string },
  body: readonly string[],
): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;font-size:14px}${styles}`,
    '@media(prefers-color-scheme:dark){text{fill:#9ea7b3}}</style>',
    ...body,
    '</svg>',
  ].join('\n')}\n`;
}
