/**
 * `bench scaling`: compares the scaling policies and writes the report and its pictures: cost against
 * latency, and the fleet and the queue over time.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawChart, type Series } from '../chart.ts';
import { writeDocsPart } from '../output.ts';
import { compareAll, type Drawn, draw, type Result, simulate } from './compare.ts';
import { type Contender, contenders, type Family, families } from './contenders/contenders.ts';
import { frontier } from './figures.ts';
import { report } from './report.ts';
import type { Moment } from './simulation/world.ts';
import { findWorkload, type Workload } from './workloads.ts';

export interface ScalingOptions {
  readonly workloads: readonly string[];
  readonly dollarsPerHour: number;
  /** A folder for the SVG files. */
  readonly pictures?: string | undefined;
  /** A Markdown file whose part between the two marks becomes the report. */
  readonly docs?: string | undefined;
  readonly json: boolean;
}

/** Workloads whose fleets are drawn over time. */
const CURVES = ['burst-1000', 'on-off', 'flash-crowd', 'day'];

/** @returns what to print */
export async function benchScaling(
  options: ScalingOptions,
  onProgress: (done: number, all: number) => void,
): Promise<string> {
  const chosen = options.workloads.map(findWorkload);
  const results = await compareAll(
    chosen.map(({ name }) => name),
    onProgress,
  );
  const words = report(results, options.dollarsPerHour);
  if (options.pictures !== undefined) await drawAll(options.pictures, results);
  if (options.docs !== undefined) await writeDocsPart(options.docs, words);
  return options.json ? JSON.stringify(results) : words;
}

async function drawAll(folder: string, results: readonly Result[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of new Set(results.map(({ workload }) => workload))) {
    const workload = findWorkload(name);
    const here = results.filter((one) => one.workload === name);
    await writeFile(join(folder, `frontier-${name}.svg`), frontierPicture(workload, here));
    if (!CURVES.includes(name)) continue;
    const drawn = draw(workload);
    for (const what of ['alive', 'queued'] as const) {
      const file = join(folder, `${what === 'alive' ? 'fleet' : 'queue'}-${name}.svg`);
      await writeFile(file, curvePicture(drawn, shown(), what));
    }
  }
}

/** Contenders whose curves are shown, with the default settings. */
function shown(): Contender[] {
  return contenders.filter(({ isDefault }) => isDefault);
}

/** Of middle brightness, distinguishable also for most colour-blind readers (after Okabe and Ito). */
const colors: Record<Family, string> = {
  threshold: '#d55e00',
  backlog: '#a6761d',
  'drain-time': '#0a84d6',
  KEDA: '#009e73',
  'target tracking': '#cc79a7',
  'step scaling': '#b59b00',
  'fixed fleet': '#8b949e',
  oracle: '#6f42c1',
};

/** Cost against p95 for one workload: the frontier of each family. */
function frontierPicture(workload: Workload, results: readonly Result[]): string {
  const series = families.flatMap((family): Series[] => {
    const answered = results.filter((one) => one.family === family && Number.isFinite(one.p95));
    const best = frontier(answered);
    if (best.length === 0) return [];
    const points = best.map(({ p95, cost }) => [p95, cost / 3600] as const);
    return [{ name: family, color: colors[family], points, style: 'both', faint: !isOurs(family) }];
  });
  return drawChart({
    title: `${workload.name}: what a latency costs`,
    x: { label: '95 % of the requests answered within (s)', scale: 'log', format: plain },
    y: { label: 'instance-hours', scale: 'log', format: plain },
    series,
  });
}

function isOurs(family: Family): boolean {
  return family === 'drain-time' || family === 'threshold';
}

/** Instances over time on one draw of a workload, or what is queued. */
function curvePicture(
  { workload, draws }: Drawn,
  shown: readonly Contender[],
  what: 'alive' | 'queued',
): string {
  const { load, world } = draws[0]!;
  const hours = world.horizon > 4 * 3600;
  const unit = hours ? 3600 : 60;
  const step = Math.max(1, Math.floor(world.horizon / 360));
  const series = shown.map((contender): Series => {
    const moments: Moment[] = [];
    simulate(load, contender.scaler(load, world), world, (moment) => moments.push(moment));
    const points = moments
      .filter(({ at }) => at % step === 0 && at <= world.horizon)
      .map((moment) => [moment.at / unit, moment[what]] as const);
    const { family } = contender;
    return { name: family, color: colors[family], points, style: 'steps', faint: !isOurs(family) };
  });
  return drawChart({
    title: `${workload.name}: ${what === 'alive' ? 'instances' : 'requests waiting or in work'}`,
    x: { label: hours ? 'hours' : 'minutes', scale: 'linear', format: plain },
    y: {
      label: what === 'alive' ? 'instances that are paid for' : 'requests',
      scale: 'linear',
      format: plain,
    },
    series,
  });
}

function plain(value: number): string {
  return value >= 10_000
    ? `${Number((value / 1000).toPrecision(3))}k`
    : `${Number(value.toPrecision(3))}`;
}
