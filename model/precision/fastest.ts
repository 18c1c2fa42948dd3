/** Resolves PRECISION=auto on this machine by a trial, which is made once per machine and cached. */
import { usualKernels } from '../backend/own-encoder.ts';
import { hasBfloat16Matrices, multipliesBfloat16 } from '../backend/processor.ts';
import { runTrial } from '../backend/trial.ts';
import { BackendError, ModelError } from '../errors.ts';
import type { Manifest } from '../format.ts';
import { ownKernelsIn } from '../native/encoder/encoder-addon.ts';
import { loadAddon } from '../native/load.ts';
import { cpuinfoHere } from '../native/machine.ts';
import { TENSORFLOW_VERSION } from '../native/paths.ts';
import type { LoadOptions } from '../recognition.ts';
import { fasterPrecision, type PrecisionChoice } from './choice.ts';
import {
  isSameTrialMachine,
  type TrialMachine,
  type TrialTimes,
  type TrialTimings,
  trialMachineOf,
} from './timings.ts';
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
  const cpuinfo = cpuinfoHere();
  if (precision !== undefined && precision !== 'auto') {
    // With AMX only a trial tells which kernels are the fastest in bfloat16.
    const tries = precision === 'bfloat16' && backend !== 'wasm' && hasBfloat16Matrices(cpuinfo);
    const { kernels } = tries
      ? await fastestPrecision(directory, manifest, { threads })
      : { kernels: usualKernels(cpuinfo) };
    return { precision, kernels, reason: 'as set' };
  }
  if (backend === 'wasm') {
    return { precision: 'float32', kernels: usualKernels(cpuinfo), reason: ON_WASM };
  }
  return fastestPrecision(directory, manifest, { threads });
}

/**
 * The faster precision of the model in `directory` on tensorflow, and the faster kernels. Nothing is measured if
 * the model has one way only, or if the timings of this machine are known: from the conversion, which stores
 * them in the manifest, or from an earlier start.
 */
export async function fastestPrecision(
  directory: string,
  { bfloat16Bound, secondLooks, timings: converted }: Manifest,
  { threads, cache }: FastestOptions,
): Promise<PrecisionChoice> {
  const cpuinfo = cpuinfoHere();
  const kernels = usualKernels(cpuinfo);
  if (bfloat16Bound === undefined) {
    return {
      precision: 'float32',
      kernels,
      reason: 'the model has no bfloat16 encoder with a measured error',
    };
  }
  const machine = machineHere(threads);
  const decide = (timings: TrialTimings): PrecisionChoice => {
    const choice = fasterPrecision(timings, secondLooks);
    if (multipliesBfloat16(cpuinfo)) return choice;
    return { ...choice, reason: 'this processor has no bfloat16 instructions' };
  };
  if (converted !== undefined && isSameTrialMachine(converted.machine, machine)) {
    return decide(converted);
  }
  try {
    // Needed anyway; loaded before the lock of the cache, so that other processes do not wait for it.
    loadAddon(threads);
    return decide(await cachedTimings(machine, () => trialHere(directory, threads), cache));
  } catch (error) {
    // Opening the model will report the same error, or fall back to wasm.
    if (!(error instanceof BackendError || error instanceof ModelError)) throw error;
    return {
      precision: hasBfloat16Matrices(cpuinfo) ? 'bfloat16' : 'float32',
      kernels,
      reason: 'from the processor’s flags, because no trial could be run',
    };
  }
}

/** A trial of a model that was just written, for its manifest. */
export function trialOf(directory: string, threads: number): TrialTimings {
  return {
    machine: machineHere(threads),
    ...trialHere(directory, threads),
  };
}

function machineHere(threads: number): TrialMachine {
  const cpuinfo = cpuinfoHere();
  const own = ownKernelsIn(cpuinfo);
  return trialMachineOf(cpuinfo, { threads, tensorflow: TENSORFLOW_VERSION, own });
}

function trialHere(directory: string, threads: number): TrialTimes {
  return runTrial(directory, threads, multipliesBfloat16(cpuinfoHere()));
}
