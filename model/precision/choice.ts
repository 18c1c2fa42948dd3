/** Decides from timings which precision is faster, and says why. Pure. */
import type { Kernels } from '../backend/own-encoder.ts';
import type { Precision } from '../format.ts';
import type { TrialTimings } from './timings.ts';

export interface PrecisionChoice {
  readonly precision: Precision;
  /** Of the float32 encoder. */
  readonly kernels: Kernels;
  /** For people; follows the precision's name, e.g. `measured: …`. */
  readonly reason: string;
}

/**
 * Two trials on one processor differ by up to this share. bfloat16 is less exact, so it must be faster by more.
 */
const TRIAL_ERROR = 0.03;

/** Share of faces embedded again in float32, if the conversion has not estimated it. */
export const USUAL_SECOND_LOOKS = 0.2;

/**
 * In float32 a face takes one embedding by the faster kernels; in bfloat16 one in bfloat16, and for a share of the
 * faces another one in float32, by TensorFlow's.
 * @param secondLooks that share, 0 to 1
 */
export function fasterPrecision(
  { machine, float32, own, bfloat16 }: TrialTimings,
  secondLooks: number = USUAL_SECOND_LOOKS,
): PrecisionChoice {
  const [name] = machine.processor.split(' (');
  const kernels = own !== null && own <= float32 ? 'own' : 'tensorflow';
  const exact = Math.min(float32, own ?? float32);
  if (bfloat16 === null) {
    return {
      precision: 'float32',
      kernels,
      reason: `measured: bfloat16 does not run on ${machine.processor}`,
    };
  }
  const both = bfloat16 + secondLooks * float32;
  const precision = both < exact * (1 - TRIAL_ERROR) ? 'bfloat16' : 'float32';
  const percent = Math.round(100 * secondLooks);
  return {
    precision,
    kernels,
    reason:
      `measured: bfloat16 ${bfloat16.toFixed(1)} ms and ${percent} % second looks, ` +
      `float32 ${exact.toFixed(1)} ms, for a part of the encoder on ${name}`,
  };
}
