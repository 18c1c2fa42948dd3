/**
 * The float32 encoder by kernels of the project's own: an addon computes each convolution with its bias, sum and
 * ReLU in one pass, without TensorFlow's work around it. If the addon could not be compiled, TensorFlow computes.
 */
import { readFileSync } from 'node:fs';
import { flagsIn } from '../machine.ts';
import { loadOwnAddon } from '../own-addons.ts';
import { type EncoderPlan, planSchema, planWords } from './plan.ts';

/** More images at once would need more memory, and are no faster. */
const BATCH = 4;

interface EncoderAddon {
  open(plan: Int32Array, weights: string | Float32Array, wide: boolean): object;
  run(engine: object, images: Float32Array, answers: Float32Array): void;
}

/** @returns answers for this number of images */
export type OwnEncoder = (images: Float32Array, count: number) => Float32Array;

/**
 * The vectors that the kernels can use.
 * @param cpuinfo the text of /proc/cpuinfo
 * @param mask oneDNN's own setting for the highest instructions, which the kernels keep to as well
 */
export function vectorsOf(
  cpuinfo: string,
  mask = process.env.ONEDNN_MAX_CPU_ISA,
): 'avx512' | 'avx2' | undefined {
  const flags = flagsIn(cpuinfo) ?? [];
  if (flags.includes('avx512f') && !/^AVX2|^SSE|^AVX$/.test(mask ?? '')) return 'avx512';
  return flags.includes('avx2') && flags.includes('fma') ? 'avx2' : undefined;
}

export function readPlan(path: string): EncoderPlan {
  return planSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/**
 * @param weights a file, or the numbers themselves
 * @returns undefined without the addon, or on a processor without the vectors
 */
export function openOwnEncoder(
  plan: EncoderPlan,
  weights: string | Float32Array,
  cpuinfo: string,
): OwnEncoder | undefined {
  const vectors = vectorsOf(cpuinfo);
  const addon = loadOwnAddon<EncoderAddon>('encoder');
  if (vectors === undefined || addon === undefined) return undefined;
  const engine = addon.open(planWords(plan, BATCH), weights, vectors === 'avx512');
  const last = plan.maps[plan.steps.at(-1)!.to]!;
  return (images, count) => {
    const answers = new Float32Array(count * last.height * last.width * last.channels);
    addon.run(engine, images, answers);
    return answers;
  };
}
