/** `bench scaling`: compares the scaling policies and writes what came out. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDocsPart } from '../docs-part.ts';
import { draw, type Result } from './compare.ts';
import { type Contender, contenders } from './contenders.ts';
import { curvePicture, frontierPicture } from './pictures.ts';
import { compareAll } from './pool.ts';
import { report } from './report.ts';
import { findWorkload } from './workloads.ts';

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

/** Those whose curves are shown: with the settings that people get. */
function shown(): Contender[] {
  return contenders.filter(({ isDefault }) => isDefault);
}
