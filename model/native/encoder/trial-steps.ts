/**
 * The trial's layers out of an encoder's plan: convolutions of 3 x 3, two of its middle blocks and one of its last,
 * with as many multiplications as the trial model's (convert/networks/trial-networks.ts). Any number can stand for
 * their weights.
 */
import { existsSync } from 'node:fs';
import { cpuinfoHere } from '../machine.ts';
import { openOwnEncoder, readPlan } from './encoder-addon.ts';
import type { EncoderPlan, PlanMap, PlanStep, PlanWeights } from './plan.ts';

/** Small enough that no sum overflows, large enough that none is denormal, which takes longer. */
const WEIGHT = 1e-3;
const ANY_WEIGHTS: PlanWeights = { at: 0, storage: 'float32' };
/** Steps of a block: its branches and the sum. */
const BLOCK = 5;
const MIDDLE_CHANNELS = 896;
const LAST_CHANNELS = 1792;
/** Height of the map that the last convolution with a stride before the middle blocks reads. */
const BEFORE_MIDDLE = 27;

/**
 * @param amx whether AMX is to compute them
 * @returns what computes them once; undefined where the kernels do not run, or the model has no plan
 */
export function openTrialSteps(path: string, amx: boolean): (() => void) | undefined {
  if (!existsSync(path)) return undefined;
  const plan = trialPlan(readPlan(path));
  const { maps, steps } = plan;
  const values = Math.max(
    ...steps.map(({ height, width, from, outputs }) => {
      return height * width * maps[from]!.channels * outputs;
    }),
  );
  const run = openOwnEncoder(plan, new Float32Array(values).fill(WEIGHT), cpuinfoHere(), { amx });
  if (run === undefined) return undefined;
  const [image] = maps;
  const empty = new Float32Array(image!.height * image!.width * image!.channels);
  return () => void run(empty, 1);
}

/** The steps with any weights; their answer is the last one's map in float32. */
function trialPlan(plan: EncoderPlan): EncoderPlan {
  const maps = [...plan.maps];
  const steps = trialSteps(plan, maps);
  const { to } = steps.at(-1)!;
  if (maps[to]!.type === 'bfloat16') {
    steps.push(casting(steps.at(-1)!, to, maps.push(inFloat32(maps[to]!)) - 1));
  }
  const weights = { filter: ANY_WEIGHTS, bias: ANY_WEIGHTS };
  return { each: 0, maps, steps: steps.map((step) => ({ ...step, ...weights })) };
}

/** @param maps those of the plan, to which others may be added */
function trialSteps({ steps }: EncoderPlan, maps: PlanMap[]): PlanStep[] {
  const convolutions = steps.filter(({ kind }) => kind === 'convolution');
  // Three quarters of their multiplications have a stride of 1, as two thirds have of the encoder's: Winograd's
  // kernels gain most there.
  const strided = convolutions.findLast(
    ({ from, stride }) => stride > 1 && maps[from]!.height === BEFORE_MIDDLE,
  );
  const before = convolutions.find(({ to, stride }) => to === strided?.from && stride === 1);
  const block = (channels: number, which: number): PlanStep[] => {
    const sums = [...steps.entries()].filter(
      ([, { add, to }]) => add && maps[to]!.channels === channels,
    );
    const [at = -1] = sums[which] ?? [];
    return steps.slice(Math.max(at + 1 - BLOCK, 0), at + 1);
  };
  return [
    ...(strided && before ? [...filling(before, maps), before, strided] : []),
    ...block(MIDDLE_CHANNELS, 0),
    ...block(MIDDLE_CHANNELS, 1),
    ...block(LAST_CHANNELS, 0),
  ];
}

/** Writes a step's input: pages that nothing was written to share one page, which takes longer to read. */
function filling(step: PlanStep, maps: PlanMap[]): PlanStep[] {
  const { from } = step;
  const map = maps[from]!;
  const isHalf = map.type === 'bfloat16';
  const to = isHalf ? maps.push(inFloat32(map)) - 1 : from;
  const window = { height: 1, width: 1, stride: 4, top: 0, left: 0 };
  const target = { from: 0, to, channel: 0, outputs: map.channels, add: false, relu: false };
  return [{ ...step, ...window, ...target }, ...(isHalf ? [casting(step, to, from)] : [])];
}

function casting(step: PlanStep, from: number, to: number): PlanStep {
  return { ...step, kind: 'cast', from, to };
}

function inFloat32(map: PlanMap): PlanMap {
  return { ...map, type: 'float32', border: { y: 0, x: 0 } };
}
