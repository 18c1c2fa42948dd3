/**
 * What `auto` stands for on this machine: what a trial says, which is made once for each machine and kept.
 * Knows neither networks nor photos.
 */
import { hasBfloat16Matrices, multipliesBfloat16 } from '../backend/processor.ts';
import { runTrial } from '../backend/trial.ts';
import { BackendError, ModelError } from '../errors.ts';
import type { Manifest } from '../format.ts';
import { loadAddon } from '../native/load.ts';
import { cpuinfoHere } from '../native/machine.ts';
import { TENSORFLOW_VERSION } from '../native/paths.ts';
import type { LoadOptions } from '../recognition.ts';
import { fasterPrecision, type PrecisionChoice } from './choice.ts';
import { isSameTrialMachine, type TrialTimings, trialMachineOf } from './timings.ts';
import { cachedTimings } from './timings-cache.ts';

export interface FastestOptions {
  readonly threads: number;
  /** Where timings are kept; default: the user's cache. */
  readonly cache?: string | undefined;
}

export const ON_WASM = 'all that wasm computes in';

/** The precision that is asked for, or what `auto` comes to. */
export async function choosePrecision(
  directory: string,
  manifest: Manifest,
  { precision, backend, threads = 1 }: Pick<LoadOptions, 'precision' | 'backend' | 'threads'>,
): Promise<PrecisionChoice> {
  if (precision !== undefined && precision !== 'auto') return { precision, reason: 'as set' };
  if (backend === 'wasm') return { precision: 'float32', reason: ON_WASM };
  return fastestPrecision(directory, manifest, { threads });
}

/**
 * The faster precision of the model in `directory` on tensorflow. Nothing is measured where bfloat16 is
 * out of the question, nor where the timings of this machine are known: from the conversion, which the
 * manifest holds, or from an earlier start.
 */
export async function fastestPrecision(
  directory: string,
  { bfloat16Bound, secondLooks, timings: converted }: Manifest,
  { threads, cache }: FastestOptions,
): Promise<PrecisionChoice> {
  if (bfloat16Bound === undefined) {
    return { precision: 'float32', reason: 'the model has no bfloat16 encoder of known error' };
  }
  const cpuinfo = cpuinfoHere();
  if (!multipliesBfloat16(cpuinfo)) {
    return { precision: 'float32', reason: 'this processor has no bfloat16 instructions' };
  }
  const machine = trialMachineOf(cpuinfo, { threads, tensorflow: TENSORFLOW_VERSION });
  if (converted !== undefined && isSameTrialMachine(converted.machine, machine)) {
    return fasterPrecision(converted, secondLooks);
  }
  try {
    // It is needed in any case, and others need not wait while this process loads it.
    loadAddon(threads);
    const timings = await cachedTimings(machine, () => runTrial(directory, threads), cache);
    return fasterPrecision(timings, secondLooks);
  } catch (error) {
    // Opening the model says the same, or goes on with wasm.
    if (!(error instanceof BackendError || error instanceof ModelError)) throw error;
    return {
      precision: hasBfloat16Matrices(cpuinfo) ? 'bfloat16' : 'float32',
      reason: 'by the processor’s flags, since no trial could be made',
    };
  }
}

/**
 * A trial of a model that was just written, for its manifest.
 * @returns undefined where bfloat16 is out of the question
 */
export function trialOf(directory: string, threads: number): TrialTimings | undefined {
  const cpuinfo = cpuinfoHere();
  if (!multipliesBfloat16(cpuinfo)) return undefined;
  return {
    machine: trialMachineOf(cpuinfo, { threads, tensorflow: TENSORFLOW_VERSION }),
    ...runTrial(directory, threads),
  };
}
