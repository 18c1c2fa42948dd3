/**
 * The trial's layers out of an encoder's plan: its most expensive convolution with strides, two of its middle
 * blocks and one of its last, as in the trial model (convert/networks/trial-networks.ts). Any number can stand for
 * their weights.
 */
import { existsSync } from 'node:fs';
import { cpuinfoHere } from '../machine.ts';
import { openOwnEncoder, readPlan } from './encoder-addon.ts';
import type { EncoderPlan, PlanStep } from './plan.ts';

/** Small enough that no sum overflows, large enough that none is denormal, which takes longer. */
const WEIGHT = 1e-3;
/** Steps of a block: its branches and the sum. */
const BLOCK = 5;
const MIDDLE_CHANNELS = 896;
const LAST_CHANNELS = 1792;

/** @returns what computes them once; undefined where the kernels do not run, or the model has no plan */
export function openTrialSteps(path: string): (() => void) | undefined {
  if (!existsSync(path)) return undefined;
  const { maps, steps } = readPlan(path);
  const chosen = trialSteps({ each: 0, maps, steps });
  const values = Math.max(
    ...chosen.map(({ height, width, from, outputs }) => {
      return height * width * maps[from]!.channels * outputs;
    }),
  );
  const plan = { each: 0, maps, steps: chosen.map((step) => ({ ...step, filter: 0, bias: 0 })) };
  const run = openOwnEncoder(plan, new Float32Array(values).fill(WEIGHT), cpuinfoHere());
  if (run === undefined) return undefined;
  const [image] = maps;
  const empty = new Float32Array(image!.height * image!.width * image!.channels);
  return () => void run(empty, 1);
}

function trialSteps({ maps, steps }: EncoderPlan): PlanStep[] {
  const convolutions = steps.filter(({ kind }) => kind === 'convolution');
  const stem = convolutions.findLast(({ from, stride }) => stride > 1 && maps[from]!.height > 40);
  const block = (channels: number, which: number): PlanStep[] => {
    const sums = [...steps.entries()].filter(
      ([, { add, to }]) => add && maps[to]!.channels === channels,
    );
    const [at = -1] = sums[which] ?? [];
    return steps.slice(Math.max(at + 1 - BLOCK, 0), at + 1);
  };
  return [
    ...(stem === undefined ? [] : [filling(stem, maps[stem.from]!.channels), stem]),
    ...block(MIDDLE_CHANNELS, 0),
    ...block(MIDDLE_CHANNELS, 1),
    ...block(LAST_CHANNELS, 0),
  ];
}

/** Writes a step's input: pages that nothing was written to share one page, which takes longer to read. */
function filling({ from, ...step }: PlanStep, outputs: number): PlanStep {
  const window = { height: 1, width: 1, stride: 4, top: 0, left: 0 };
  return { ...step, ...window, from: 0, to: from, channel: 0, outputs, add: false, relu: false };
}
