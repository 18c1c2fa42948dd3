/** From what was measured in each round to the figures asked, their table and their picture. Pure. */

import type { Precision } from '../../model/index.ts';
import { svg, text } from '../chart.ts';

/** One round: every party once, on a machine that did nothing else. Absent: not measured. */
export interface Round {
  readonly warmPerSecond: number;
  readonly fromZeroPerSecond: number;
  readonly firstFromZeroMs: number;
  readonly alonePerSecond: number;
  /** The course's design in Python, and a synchronous service. */
  readonly course?: PythonRound | undefined;
  readonly synchronous?: PythonRound | undefined;
  /** Ms of a processor for one photo: of inference alone, and in the crowd of each part. */
  readonly aloneProcessorMs?: number | undefined;
  readonly processorMs?: Readonly<Record<string, number>> | undefined;
  /** Whole latency and recognition of each photo that came alone, ms. */
  readonly unloaded: readonly { readonly whole: number; readonly recognition: number }[];
  readonly readyMs?: number | undefined;
  readonly memory?: WorkerMemory | undefined;
}

export interface PythonRound {
  readonly photosPerSecond: number;
  /** Whole latency of each photo that came alone, ms. */
  readonly unloaded: readonly number[];
}

/** MB of all processes of one worker. */
export interface WorkerMemory {
  /** Pages that two processes share count twice. */
  readonly resident: number;
  /** Pages that no other process has: what one more worker costs. */
  readonly private: number;
}

export interface Figure {
  readonly what: string;
  readonly asked: string;
  readonly measured: string;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Nearest rank; of nothing, NaN. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

const ABSENT = 'not measured';
const times = (value: number): string => `${value.toFixed(2)} times`;
const rate = (value: number): string => `${value.toFixed(1)} photos/s`;
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const seconds = (value: number): string => `${(value / 1000).toFixed(2)} s`;

/** The median over the rounds in which it was measured. */
function over(rounds: readonly Round[], pick: (round: Round) => number | undefined) {
  const values = rounds.map(pick).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}

/** What is asked of photos a second in each precision: against the Python design, against no service. */
const asked = { float32: ['2.2', '0.90'], bfloat16: ['4.5', '0.92'] } as const;

/**
 * The rows asked for, then what they are made of.
 * @param ran what the encoder computed in
 */
export function figures(rounds: readonly Round[], ran: Precision, hasBfloat16: boolean): Figure[] {
  const other = ran === 'float32' ? 'bfloat16' : 'float32';
  const notRun = other === 'bfloat16' && !hasBfloat16 ? 'not on this processor' : ABSENT;
  const said = (
    what: string,
    asked: string,
    pick: (round: Round) => number | undefined,
    format: (value: number) => string,
  ): Figure => {
    const value = over(rounds, pick);
    return { what, asked, measured: value === undefined ? ABSENT : format(value) };
  };
  const added = (share: number) => (round: Round) =>
    quantile(
      round.unloaded.map(({ whole, recognition }) => whole - recognition),
      share,
    );
  return [
    said(
      `photos a second against the Python design, ${ran}`,
      `at least ${asked[ran][0]} times`,
      ({ warmPerSecond, course }) => course && warmPerSecond / course.photosPerSecond,
      times,
    ),
    said(
      `photos a second against inference alone on the same cores, ${ran}`,
      `at least ${asked[ran][1]} times`,
      (round) => round.warmPerSecond / round.alonePerSecond,
      times,
    ),
    {
      what: `the two in ${other}`,
      asked: `at least ${asked[other].join(' and ')} times`,
      measured: notRun,
    },
    said('what the service adds to one photo at no load, p50', 'at most 10 ms', added(0.5), ms),
    said('the same, p99', 'at most 25 ms', added(0.99), ms),
    said(
      'from zero instances, no boot delay: first answer of a burst of 10',
      'under 3 s',
      (round) => round.firstFromZeroMs,
      seconds,
    ),
    said('a worker from its start to ready', 'at most 1.2 s', (round) => round.readyMs, seconds),
    said(
      'resident memory of one worker at work, all its processes',
      'at most 650 MB',
      (round) => round.memory?.resident,
      (value) => `${value.toFixed(0)} MB`,
    ),
    said(
      'private memory of the same',
      'at most 350 MB',
      (round) => round.memory?.private,
      (value) => `${value.toFixed(0)} MB`,
    ),
    said('this project, warm', '', (round) => round.warmPerSecond, rate),
    said('this project, from zero', '', (round) => round.fromZeroPerSecond, rate),
    said('inference alone', '', (round) => round.alonePerSecond, rate),
    said('the Python design, warm', '', ({ course }) => course?.photosPerSecond, rate),
    said(
      'a synchronous service in Python (Flask, gunicorn, one process a core)',
      '',
      ({ synchronous }) => synchronous?.photosPerSecond,
      rate,
    ),
    said(
      'photos a second against that service',
      '',
      ({ warmPerSecond, synchronous }) =>
        synchronous && warmPerSecond / synchronous.photosPerSecond,
      times,
    ),
    said(
      'one photo at no load, whole, p50',
      '',
      (round) => median(round.unloaded.map(({ whole }) => whole)),
      ms,
    ),
    said(
      'the same in the Python design',
      '',
      ({ course }) => course && median(course.unloaded),
      ms,
    ),
    said(
      'the same in the synchronous service in Python',
      '',
      ({ synchronous }) => synchronous && median(synchronous.unloaded),
      ms,
    ),
  ];
}

export function table(rows: readonly Figure[]): string {
  return [
    '| figure | asked | measured |',
    '| --- | --- | --- |',
    ...rows.map(({ what, asked, measured }) => `| ${what} | ${asked} | ${measured} |`),
  ].join('\n');
}

/** Where the cores go in the crowd: ms of a processor a photo, medians over the rounds. */
export function processorTable(rounds: readonly Round[]): string {
  const parts = [...new Set(rounds.flatMap(({ processorMs = {} }) => Object.keys(processorMs)))];
  const row = (name: string, pick: (round: Round) => number | undefined): string[] => {
    const value = over(rounds, pick);
    return value === undefined ? [] : [`| ${name} | ${value.toFixed(1)} |`];
  };
  return [
    '| ms of a processor a photo | |',
    '| --- | --- |',
    ...row('inference alone', ({ aloneProcessorMs }) => aloneProcessorMs),
    ...parts.flatMap((part) =>
      row(`in the crowd: ${part}`, ({ processorMs }) => processorMs?.[part]),
    ),
  ].join('\n');
}

const WIDTH = 720;
const BAR = 26;
const GAP = 12;
const TOP = 44;
const LEFT = 230;
const RIGHT = 70;

/** Photos a second of every party as bars. */
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
      of: (round: Round) => round.course?.photosPerSecond,
    },
    {
      name: 'a synchronous service in Python',
      color: '#8250df',
      of: (round: Round) => round.synchronous?.photosPerSecond,
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
      text(LEFT - 10, at + 4, name, 'end'),
      `<rect x="${LEFT}" y="${y}" width="${length(middle)}" height="${BAR}" rx="3" fill="${color}"/>`,
      `<line x1="${LEFT + length(low)}" x2="${LEFT + length(high)}" y1="${at}" y2="${at}" stroke="#57606a" stroke-width="2"/>`,
      text(LEFT + length(high) + 8, at + 4, middle.toFixed(1), 'start'),
    ].join('\n');
  });
  return svg({ width: WIDTH, height, title, styles: 'text{font-size:13px}' }, [
    text(16, 24, title, 'start', 't'),
    ...rows,
  ]);
}
