/** Decides from timings which precision is faster, and says why. Pure. */
import type { Kernels, KernelsByPrecision } from '../backend/own-encoder.ts';
import type { Precision } from '../format.ts';
import type { TrialTimings } from './timings.ts';

export interface PrecisionChoice {
  readonly precision: Precision;
  readonly kernels: KernelsByPrecision;
  /** For people; follows the precision's name, e.g. `measured: …`. */
  readonly reason: string;
}

/**
 * Two trials on one processor differ by up to this share. bfloat16 is less exact, so it must be faster by more.
 */
const TRIAL_ERROR = 0.03;

/**
 * What a second look takes of the own float32 kernels' time: beside bfloat16 they do without a copy of half of the weights.
 */
const SECOND_LOOK = 1.15;

/** Share of faces embedded again in float32, if the conversion has not estimated it. */
export const USUAL_SECOND_LOOKS = 0.2;

/**
 * In float32 a face takes one embedding by the faster kernels; in bfloat16 one in bfloat16, and for a share of the
 * faces another one in float32.
 * @param secondLooks that share, 0 to 1
 */
export function fasterPrecision(
  { machine, float32, own, bfloat16, ownBfloat16, amx }: TrialTimings,
  secondLooks: number = USUAL_SECOND_LOOKS,
): PrecisionChoice {
  const [name] = machine.processor.split(' (');
  const kernels = {
    float32: fastestKernels({ tensorflow: float32, own }),
    bfloat16: fastestKernels({ tensorflow: bfloat16, own: ownBfloat16, amx }),
  };
  const exact = least(float32, own);
  const rough = least(bfloat16, ownBfloat16, amx);
  if (rough === Number.POSITIVE_INFINITY) {
    return {
      precision: 'float32',
      kernels,
      reason: `measured: bfloat16 does not run on ${machine.processor}`,
    };
  }
  const again = kernels.float32 === 'own' ? SECOND_LOOK * exact : float32;
  const both = rough + secondLooks * again;
  const precision = both < exact * (1 - TRIAL_ERROR) ? 'bfloat16' : 'float32';
  const percent = Math.round(100 * secondLooks);
  return {
    precision,
    kernels,
    reason:
      `measured: bfloat16 ${rough.toFixed(1)} ms and ${percent} % second looks, ` +
      `float32 ${exact.toFixed(1)} ms, for a part of the encoder on ${name}`,
  };
}

/** TensorFlow's where none was measured. */
function fastestKernels(times: Partial<Record<Kernels, number | null>>): Kernels {
  const names: readonly Kernels[] = ['own', 'amx', 'tensorflow'];
  const fastest = least(...Object.values(times));
  return names.find((name) => times[name] === fastest) ?? 'tensorflow';
}

/** The shortest of the times; infinity if none was measured. */
function least(...times: (number | null)[]): number {
  return Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
}
