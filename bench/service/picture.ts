/** Photos a second of every party as bars in an SVG, readable on light and dark pages. Pure. */
import { median, type Round } from './figures.ts';

const WIDTH = 720;
const BAR = 26;
const GAP = 12;
const TOP = 44;
const LEFT = 230;
const RIGHT = 70;

export function drawService(rounds: readonly Round[], title: string): string {
  const bars = [
    { name: 'inference alone', color: '#8b949e', of: (round: Round) => round.alonePerSecond },
    { name: 'this project, warm', color: '#2f81f7', of: (round: Round) => round.warmPerSecond },
    {
      name: 'this project, from zero',
      color: '#54aeff',
      of: (round: Round) => round.fromZeroPerSecond,
    },
    {
      name: 'the course’s design in Python',
      color: '#d29922',
      of: (round: Round) => round.coursePerSecond,
    },
  ]
    .map(({ of, ...bar }) => ({
      ...bar,
      values: rounds.map(of).filter((one) => one !== undefined),
    }))
    .filter(({ values }) => values.length > 0);
  const most = Math.max(...bars.map(({ values }) => Math.max(...values)));
  const length = (value: number): number => Math.round((value / most) * (WIDTH - LEFT - RIGHT));
  const height = TOP + bars.length * (BAR + GAP) + 8;
  const rows = bars.map(({ name, color, values }, index) => {
    const y = TOP + index * (BAR + GAP);
    const middle = median(values);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const at = y + BAR / 2;
    return [
      `<text x="${LEFT - 10}" y="${at + 4}" text-anchor="end">${name}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${length(middle)}" height="${BAR}" rx="3" fill="${color}"/>`,
      `<line x1="${LEFT + length(low)}" x2="${LEFT + length(high)}" y1="${at}" y2="${at}" stroke="#57606a" stroke-width="2"/>`,
      `<text x="${LEFT + length(high) + 8}" y="${at + 4}">${middle.toFixed(1)}</text>`,
    ].join('\n');
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">`,
    `<style>text{font:13px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;font-size:14px}`,
    `@media(prefers-color-scheme:dark){text{fill:#9ea7b3}}</style>`,
    `<text class="t" x="16" y="24">${title}</text>`,
    ...rows,
    '</svg>',
  ].join('\n')}\n`;
}
