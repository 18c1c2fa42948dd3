/** The system's load and speed in six large figures. */
import type { LiveState } from '../../../live/state.ts';
import { byId, h } from '../dom.ts';
import { duration } from '../words.ts';

type Read = (state: LiveState) => string;
const NONE = '–';
const whole = (number: number | null): string => (number === null ? NONE : String(number));
const time = (seconds: number | null): string => (seconds === null ? NONE : precise(seconds));
const precise = (s: number): string => (s < 1 ? `${Math.round(s * 1000)} ms` : duration(s));

const FIGURES: readonly (readonly [string, string, Read])[] = [
  ['waiting', 'requests that no instance has taken yet', ({ now }) => whole(now.waiting)],
  ['in work', 'requests that an instance is working on', ({ now }) => whole(now.inWork)],
  [
    'photos/s',
    'photos answered per second, over the last minute',
    ({ answers }) => rate(answers.perSecond),
  ],
  [
    'p50',
    'half of the photos of the last minute were answered faster than this',
    ({ answers }) => time(answers.p50),
  ],
  [
    'p95',
    '95 % of the photos of the last minute were answered faster than this',
    ({ answers }) => time(answers.p95),
  ],
  ['oldest', 'age of the oldest unanswered request', (state) => time(state.oldestSeconds)],
];

function rate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

export function openFigures(): (state: LiveState) => void {
  const shown = FIGURES.map(([name, meaning, read]) => ({
    name,
    meaning,
    read,
    value: h('dd', {}, NONE),
  }));
  byId('figures', 'div').append(
    h(
      'dl',
      { class: 'figures' },
      ...shown.map(({ name, meaning, value }) =>
        h('div', { title: meaning }, h('dt', {}, name), value),
      ),
    ),
  );
  return (state) => {
    for (const { read, value } of shown) value.textContent = read(state);
  };
}
