/** Charts of the last ten minutes: the queue above, the fleet below, on one time axis. */
import type { LiveHistory, LivePoint, LiveState } from '../../../live/state.ts';
import { byId, h } from '../dom.ts';

const MOST_SECONDS = 600;
/** The shortest time axis, for a system that has just started. */
const LEAST_SECONDS = 60;
const HEIGHT = 104;
const AXIS_HEIGHT = 26;
const AXIS_WIDTH = 36;
/** Room for a label of the time axis. */
const TIME_WIDTH = 72;
const FONT = '11px "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

interface Line {
  readonly key: 'waiting' | 'inWork' | 'serving' | 'booting';
  readonly words: string;
  /** A custom property of system.css. */
  readonly colour: string;
}
const QUEUE: readonly Line[] = [
  { key: 'waiting', words: 'waiting', colour: '--waiting' },
  { key: 'inWork', words: 'in work', colour: '--busy' },
];
const FLEET: readonly Line[] = [
  { key: 'serving', words: 'serving', colour: '--idle' },
  { key: 'booting', words: 'starting', colour: '--starting' },
];

export interface Charts {
  history(history: LiveHistory): void;
  state(state: LiveState): void;
}

export function openCharts(): Charts {
  let points: LivePoint[] = [];
  const panel = byId('charts', 'div');
  const queue = part('Requests', QUEUE);
  const fleet = part('Instances', FLEET);
  panel.append(queue.element, fleet.element);

  let plots: uPlot[] = [];
  let width = 0;
  const draw = (): void => {
    for (const plot of plots) plot.destroy();
    const say = (index: number | null | undefined): void => {
      const point = typeof index === 'number' ? points[index] : points.at(-1);
      queue.say(point);
      fleet.say(point);
    };
    plots = [
      new uPlot(options(QUEUE, width, false, say), data(QUEUE, points), queue.holder),
      new uPlot(options(FLEET, width, true, say), data(FLEET, points), fleet.holder),
    ];
    refresh();
  };
  const refresh = (): void => {
    const max = (points.at(-1)?.at ?? Date.now()) / 1000;
    const first = (points[0]?.at ?? Date.now()) / 1000;
    const min = max - Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, max - first));
    [QUEUE, FLEET].forEach((lines, index) => {
      const plot = plots[index];
      plot?.batch(() => {
        plot.setData(data(lines, points), false);
        plot.setScale('x', { min, max });
      });
      if (plot?.cursor.idx == null) {
        queue.say(points.at(-1));
        fleet.say(points.at(-1));
      }
    });
  };
  new ResizeObserver(() => {
    if (queue.holder.clientWidth === width) return;
    width = queue.holder.clientWidth;
    draw();
  }).observe(panel);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  return {
    history(history) {
      points = [...history.points];
      refresh();
    },
    state({ now }) {
      const last = points.at(-1);
      if (last !== undefined && last.at >= now.at) return; // The history ended with the same point.
      points = [...points, now].filter(({ at }) => at > now.at - MOST_SECONDS * 1000);
      refresh();
    },
  };
}

/** A chart's title, its legend with the current values, and the element for its plot. */
function part(title: string, lines: readonly Line[]) {
  const values = lines.map(() => h('b', {}, '–'));
  const names = lines.map(({ key, words }, index) =>
    h('span', { 'data-line': key }, words, ' ', values[index]),
  );
  const holder = h('div', { class: 'plot', 'aria-hidden': 'true' });
  return {
    element: h(
      'div',
      { class: 'chart' },
      h('div', { class: 'panel-head' }, h('h3', {}, title), h('p', { class: 'legend' }, ...names)),
      holder,
    ),
    holder,
    say(point: LivePoint | undefined) {
      lines.forEach(({ key }, index) => {
        (values[index] as HTMLElement).textContent = String(point?.[key] ?? '–');
      });
    },
  };
}

function data(lines: readonly Line[], points: readonly LivePoint[]): uPlot.AlignedData {
  return [points.map(({ at }) => at / 1000), ...lines.map(({ key }) => points.map((p) => p[key]))];
}

function options(
  lines: readonly Line[],
  width: number,
  hasTimes: boolean,
  say: (index: number | null | undefined) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--quiet'), font: FONT, ticks: { show: false } };
  const grid = { stroke: colour('--line'), width: 1 };
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return {
    width,
    height: HEIGHT + (hasTimes ? AXIS_HEIGHT : 8),
    padding: [8, 18, hasTimes ? 0 : 6, 0],
    legend: { show: false },
    cursor: { sync: { key: 'time' }, drag: { x: false, y: false }, y: false, points: { size: 7 } },
    hooks: { setCursor: [(plot) => say(plot.cursor.idx)] },
    scales: {
      x: { time: true, auto: false },
      // At least 4, so that a single request does not fill the chart.
      y: { range: (_plot, _min, max) => [0, Math.max(4, Math.ceil((max ?? 0) * 1.1))] },
    },
    axes: [
      {
        ...axis,
        show: hasTimes,
        grid: { show: false },
        size: AXIS_HEIGHT,
        space: TIME_WIDTH,
        values: times,
      },
      {
        ...axis,
        grid,
        size: AXIS_WIDTH,
        space: 28,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000],
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: colour(line.colour),
        fill: `${colour(line.colour)}26`,
        width: 1.75,
        points: { show: false },
        ...(stepped && { paths: stepped }),
      })),
    ],
  };
}

function times(_plot: uPlot, splits: number[]): string[] {
  return splits.map((at) =>
    new Date(at * 1000).toLocaleTimeString([], {
      hourCycle: 'h23',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    }),
  );
}
