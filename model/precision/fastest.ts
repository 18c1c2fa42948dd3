/** Resolves PRECISION=auto on this machine by a trial, which is made once per machine and cached. */
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
  /** Folder of the cached timings; default: the user's cache. */
  readonly cache?: string | undefined;
}

export const ON_WASM = 'the only precision on wasm';

/** The requested precision, or the one that `auto` selects. */
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
 * The faster precision of the model in `directory` on tensorflow. Nothing is measured if bfloat16 is
 * impossible, or if the timings of this machine are known: from the conversion, which stores them in the
 * manifest, or from an earlier start.
 */
export async function fastestPrecision(
  directory: string,
  { bfloat16Bound, secondLooks, timings: converted }: Manifest,
  { threads, cache }: FastestOptions,
): Promise<PrecisionChoice> {
  if (bfloat16Bound === undefined) {
    return {
      precision: 'float32',
      reason: 'the model has no bfloat16 encoder with a measured error',
    };
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
    // Needed anyway; loaded before the lock of the cache, so that other processes do not wait for it.
    loadAddon(threads);
    const timings = await cachedTimings(machine, () => runTrial(directory, threads), cache);
    return fasterPrecision(timings, secondLooks);
  } catch (error) {
    // Opening the model will report the same error, or fall back to wasm.
    if (!(error instanceof BackendError || error instanceof ModelError)) throw error;
    return {
      precision: hasBfloat16Matrices(cpuinfo) ? 'bfloat16' : 'float32',
      reason: 'from the processor’s flags, because no trial could be run',
    };
  }
}

/**
 * A trial of a model that was just written, for its manifest.
 * @returns undefined if bfloat16 is impossible on this processor
 */
export function trialOf(directory: string, threads: number): TrialTimings | undefined {
  const cpuinfo = cpuinfoHere();
  if (!multipliesBfloat16(cpuinfo)) return undefined;
  return {
    machine: trialMachineOf(cpuinfo, { threads, tensorflow: TENSORFLOW_VERSION }),
    ...runTrial(directory, threads),
  };
}
