/**
 * The encoder by kernels of the project's own: an addon computes each convolution with its bias, sum and ReLU in
 * one pass, without TensorFlow's work around it. If the addon could not be compiled, TensorFlow computes.
 */
import { readFileSync } from 'node:fs';
import type { Precision } from '../../format.ts';
import { flagsIn } from '../machine.ts';
import { loadOwnAddon } from '../own-addons.ts';
import { keptFiltersPath, removeLeftParts, removeOldFilters } from './kept-filters.ts';
import { type EncoderPlan, planSchema, planWords } from './plan.ts';

const precisions: readonly Precision[] = ['float32', 'bfloat16'];
/** What the kernels use in bfloat16. */
const BFLOAT16_FLAGS = ['avx512_bf16', 'avx512bw', 'avx512vl'];
const AMX_FLAGS = ['amx_tile', 'amx_bf16'];
/** More images at once would need more memory, and are no faster. */
export const BATCH = 4;

export interface EncoderAddon {
  open(
    plan: Int32Array,
    weights: string | Float32Array,
    wide: boolean,
    packs: boolean,
    amx?: boolean,
    kept?: string,
  ): object;
  run(engine: object, images: Float32Array, answers: Float32Array): void;
  /**
   * Writes its copy of the weights into `kept` on another thread, unless another engine did, and then uses the file's
   * pages: false where it does already. Absent from an addon of an earlier version.
   */
  keep?(engine: object): boolean;
  /** Winograd's tile of each convolution, as 4x4; 1x1 where it is computed as it is. */
  methods(engine: object): string;
  /**
   * Asks the system for AMX's registers, which `open` with `amx` needs. Absent from an addon of an earlier version.
   */
  permitAmx?(): boolean;
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

/**
 * Whether the kernels can compute in this precision.
 * @param cpuinfo the text of /proc/cpuinfo
 * @param mask as in `vectorsOf`
 */
export function ownKernelsCompute(
  precision: Precision,
  cpuinfo: string,
  mask = process.env.ONEDNN_MAX_CPU_ISA,
): boolean {
  const vectors = vectorsOf(cpuinfo, mask);
  if (precision === 'float32') return vectors !== undefined;
  const flags = flagsIn(cpuinfo) ?? [];
  return (
    vectors === 'avx512' &&
    BFLOAT16_FLAGS.every((flag) => flags.includes(flag)) &&
    !/^AVX512_CORE(?:_VNNI)?$/.test(mask ?? '')
  );
}

/**
 * Whether the processor and oneDNN's setting let AMX compute in bfloat16; the system must permit it as well.
 * @param cpuinfo the text of /proc/cpuinfo
 * @param mask as in `vectorsOf`
 */
export function amxComputes(cpuinfo: string, mask = process.env.ONEDNN_MAX_CPU_ISA): boolean {
  const flags = flagsIn(cpuinfo) ?? [];
  return (
    ownKernelsCompute('bfloat16', cpuinfo, mask) &&
    AMX_FLAGS.every((flag) => flags.includes(flag)) &&
    /^(?:|ALL|DEFAULT|.*AMX.*)$/.test(mask ?? '')
  );
}

/**
 * Names of the own kernels that run here: none without the addon.
 * @param cpuinfo the text of /proc/cpuinfo
 */
export function ownKernelsIn(cpuinfo: string): string {
  const addon = loadOwnAddon<EncoderAddon>('encoder');
  if (addon === undefined) return '';
  return [
    ...precisions.filter((precision) => ownKernelsCompute(precision, cpuinfo)),
    ...(amxComputes(cpuinfo) && addon.permitAmx?.() === true ? ['amx'] : []),
  ].join(' ');
}

export function readPlan(path: string): EncoderPlan {
  return planSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

export interface OwnEncoderOptions {
  /**
   * Whether it keeps a copy of the weights as its kernels read them (default). Without it, for an encoder that is
   * seldom used, it keeps only those of large maps, from its first use on; the file is mapped while it computes.
   */
  readonly packs?: boolean;
  /** Whether AMX computes what is in bfloat16 (default: not). */
  readonly amx?: boolean;
  /**
   * Tells the hash of the weights' file: the copy then lies in a file that all processes of the machine map. If it
   * throws, the copy stays in this process's own memory.
   */
  readonly weightsHash?: () => string | undefined;
}

/**
 * @param weights a file, or the numbers themselves
 * @returns undefined without the addon, or on a processor without the instructions
 */
export function openOwnEncoder(
  plan: EncoderPlan,
  weights: string | Float32Array,
  cpuinfo: string,
  { packs = true, amx = false, weightsHash }: OwnEncoderOptions = {},
): OwnEncoder | undefined {
  const addon = loadOwnAddon<EncoderAddon>('encoder');
  const isHalf = plan.maps.some(({ type }) => type === 'bfloat16');
  if (addon === undefined || !ownKernelsCompute(isHalf ? 'bfloat16' : 'float32', cpuinfo)) {
    return undefined;
  }
  if (amx && !(isHalf && amxComputes(cpuinfo) && addon.permitAmx?.() === true)) return undefined;
  const wide = vectorsOf(cpuinfo) === 'avx512';
  const words = planWords(plan, BATCH);
  const hash = addon.keep && readHash(weightsHash);
  const kept = hash && keptFiltersPath(hash, words, [wide, packs, amx]);
  if (kept) removeLeftParts(kept);
  // An addon of an earlier version, which a checkout may have until it is set up again, takes fewer arguments.
  const more = [...(amx || kept !== undefined ? [amx] : []), ...(kept === undefined ? [] : [kept])];
  const engine = addon.open(words, weights, wide, packs, ...(more as [boolean?, string?]));
  let isKept = false;
  const last = plan.maps[plan.steps.at(-1)!.to]!;
  return (images, count) => {
    const answers = new Float32Array(count * last.height * last.width * last.channels);
    addon.run(engine, images, answers);
    if (!isKept) {
      isKept = true;
      // A conversion may have replaced the weights since.
      if (kept && readHash(weightsHash) === hash && addon.keep?.(engine)) removeOldFilters(kept);
    }
    return answers;
  };
}

/** A conversion may replace the model's folder while its hash is read: answers do not depend on that. */
function readHash(weightsHash: OwnEncoderOptions['weightsHash']): string | undefined {
  try {
    return weightsHash?.();
  } catch {
    return undefined;
  }
}
